import { Duration, Validations } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import {
  DefinitionBody,
  Errors,
  IntegrationPattern,
  JitterType,
  LogLevel,
  QueryLanguage,
  type RetryProps,
  StateMachine,
  StateMachineType,
  TaskInput,
  Timeout,
} from 'aws-cdk-lib/aws-stepfunctions'
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks'
import { Construct } from 'constructs'
import { JOB_FAILED, SUBMIT_ERRORS } from '../../src/contract/workflow-errors.ts'
import type { Stage } from '../settings.ts'
import { EngineLogGroup, removalPolicyOf } from './log-group.ts'
import { explainWildcard } from './permissions.ts'

/** Steps that call a function. */
export type WorkflowStep = 'SubmitJob' | 'CollectOutputs' | 'FailRun'

export interface RunWorkflowProps {
  /** Fixed beforehand, because the steps' own permissions and variables name the machine. */
  readonly stateMachineName: string
  readonly functions: Readonly<Record<WorkflowStep, IFunction>>
  readonly stage: Pick<Stage, 'runTimeoutHours' | 'logRetentionDays' | 'keepData'>
}

/** A retry would not change these: the job has failed, or Batch refuses it for ever. */
const ENDED_SUBMISSION: RetryProps = { errors: [JOB_FAILED, SUBMIT_ERRORS.refused], maxAttempts: 0 }

/**
 * Batch takes 50 submissions a second from an account, and Lambda as many calls at a time as its quota says: full jitter spreads a
 * burst of thousands over minutes. The pauses add up to half an hour at most, and to a quarter on average.
 */
const THROTTLED: Omit<RetryProps, 'errors'> = {
  interval: Duration.seconds(2),
  backoffRate: 2,
  maxDelay: Duration.minutes(2),
  maxAttempts: 20,
  jitterStrategy: JitterType.FULL,
}
/** Lambda did not call the function. */
const REFUSED_CALL = 'Lambda.TooManyRequestsException'
const THROTTLED_CALL: RetryProps = { ...THROTTLED, errors: [REFUSED_CALL] }
/** Nothing was submitted; `submit-job` reports the throttling by Batch. */
const THROTTLED_SUBMISSION: RetryProps = { ...THROTTLED, errors: [SUBMIT_ERRORS.throttled, REFUSED_CALL] }

/**
 * Every step can be repeated after a call that failed anywhere: a crashed process or an outage must not fail a run whose task
 * succeeded. The pauses add up to two minutes at most, and to one on average.
 */
const FAILED_CALL: RetryProps = {
  errors: [Errors.ALL],
  interval: Duration.seconds(2),
  backoffRate: 2,
  maxAttempts: 6,
  jitterStrategy: JitterType.FULL,
}

/** Input of FailRun; a time-out has no cause. */
const FAILURE = {
  runId: '{% $states.input.runId %}',
  error: '{% $states.errorOutput.Error %}',
  cause: "{% $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : '' %}",
}
const RUN_ID = '{% {"runId": $states.input.runId} %}'

/**
 * State machine of the runs: one execution for each, with input `{runId}`. An execution fails only if it could not record the
 * failure of its run.
 */
export class RunWorkflow extends Construct {
  readonly stateMachine: StateMachine

  constructor(scope: Construct, id: string, props: RunWorkflowProps) {
    super(scope, id)
    const { functions, stage } = props
    const failRun = LambdaInvoke.jsonata(this, 'FailRun', {
      lambdaFunction: functions.FailRun,
      payload: TaskInput.fromText('{% $states.input %}'),
      retryOnServiceExceptions: false,
    })
      .addRetry(THROTTLED_CALL)
      .addRetry(FAILED_CALL)
    const collectOutputs = LambdaInvoke.jsonata(this, 'CollectOutputs', {
      lambdaFunction: functions.CollectOutputs,
      payload: TaskInput.fromText(RUN_ID),
      retryOnServiceExceptions: false,
    })
      .addRetry(THROTTLED_CALL)
      .addRetry(FAILED_CALL)
      .addCatch(failRun, { errors: [Errors.ALL], outputs: FAILURE })
    const submitJob = LambdaInvoke.jsonata(this, 'SubmitJob', {
      lambdaFunction: functions.SubmitJob,
      // Not batch:submitJob.sync: it adds container overrides, which Batch refuses for jobs of several containers.
      integrationPattern: IntegrationPattern.WAIT_FOR_TASK_TOKEN,
      payload: TaskInput.fromObject({
        runId: '{% $states.input.runId %}',
        taskToken: '{% $states.context.Task.Token %}',
      }),
      // A lost token would otherwise hold the execution for a year.
      taskTimeout: Timeout.duration(Duration.seconds(Math.ceil(stage.runTimeoutHours * 3600))),
      // The next step needs the input, not the answer to the token.
      outputs: '{% $states.input %}',
      retryOnServiceExceptions: false,
    })
      .addRetry(ENDED_SUBMISSION)
      .addRetry(THROTTLED_SUBMISSION)
      // All but a time-out: that is the end of the time that a run may take.
      .addRetry({ ...FAILED_CALL, errors: [Errors.TASKS_FAILED] })
      .addCatch(failRun, { errors: [Errors.ALL], outputs: FAILURE })
      .next(collectOutputs)

    this.stateMachine = new StateMachine(this, 'StateMachine', {
      stateMachineName: props.stateMachineName,
      stateMachineType: StateMachineType.STANDARD,
      queryLanguage: QueryLanguage.JSONATA,
      definitionBody: DefinitionBody.fromChainable(submitJob),
      tracingEnabled: true,
      removalPolicy: removalPolicyOf(stage),
      logs: {
        level: LogLevel.ERROR,
        destination: new EngineLogGroup(this, 'Logs', stage),
      },
    })
    this.explainPermissions(props)
  }

  private explainPermissions(props: RunWorkflowProps): void {
    const { stateMachine } = this
    Validations.of(stateMachine).acknowledge({
      id: 'AwsSolutions-SF1',
      reason: 'Every execution keeps its history for 90 days; the log adds the errors, which alarms count',
    })
    for (const { functionArn } of Object.values(props.functions)) {
      explainWildcard(stateMachine, `${functionArn}:*`, 'Versions and aliases of one named function')
    }
    explainWildcard(
      stateMachine,
      '*',
      'Delivery of logs and X-Ray segments have no resource level; the CDK writes both statements',
    )
  }
}
