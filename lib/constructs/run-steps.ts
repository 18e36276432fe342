import { Duration } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import {
  Errors,
  type IChainable,
  IntegrationPattern,
  JitterType,
  type RetryProps,
  TaskInput,
  Timeout,
} from 'aws-cdk-lib/aws-stepfunctions'
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks'
import type { Construct } from 'constructs'
import { JOB_FAILED, SUBMIT_ERRORS } from '../../src/contract/workflow-errors.ts'
import type { Stage } from '../settings.ts'

/** Steps of a run that call a function. */
export type RunStep = 'SubmitJob' | 'CollectOutputs' | 'FailRun'

export interface RunStepsProps {
  readonly functions: Readonly<Record<RunStep, IFunction>>
  readonly stage: Pick<Stage, 'runTimeoutHours'>
  /** JSONata of the output of the last step. */
  readonly outputs?: string
}

/** Errors that are not retried: the job has failed, or Batch refuses it permanently. */
const ENDED_SUBMISSION: RetryProps = { errors: [JOB_FAILED, SUBMIT_ERRORS.refused], maxAttempts: 0 }

/**
 * Retries of throttled calls. Batch accepts 50 submissions per second from an account, and Lambda has a quota of concurrent calls. Full
 * jitter spreads a burst of thousands over minutes. The pauses add up to 30 minutes at most, and to 15 minutes on average.
 */
const THROTTLED: Omit<RetryProps, 'errors'> = {
  interval: Duration.seconds(2),
  backoffRate: 2,
  maxDelay: Duration.minutes(2),
  maxAttempts: 20,
  jitterStrategy: JitterType.FULL,
}
/** Error of a call that Lambda refused before the function began. */
const REFUSED_CALL = 'Lambda.TooManyRequestsException'
export const THROTTLED_CALL: RetryProps = { ...THROTTLED, errors: [REFUSED_CALL] }
/** Retries of a job submission that Lambda or Batch throttled; `submit-job` reports the latter. Nothing was submitted. */
const THROTTLED_SUBMISSION: RetryProps = { ...THROTTLED, errors: [SUBMIT_ERRORS.throttled, REFUSED_CALL] }

/**
 * Retries of failed calls. Every step is idempotent, so a crashed process or an outage does not fail a run whose task succeeded. The
 * pauses add up to two minutes at most, and to one on average.
 */
export const FAILED_CALL: RetryProps = {
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

/** The steps of one run, whose input is `{runId}`: a job, then its outputs; every failure is recorded. */
export function runSteps(scope: Construct, { functions, stage, outputs }: RunStepsProps): IChainable {
  const last = outputs === undefined ? {} : { outputs }
  const failRun = LambdaInvoke.jsonata(scope, 'FailRun', {
    lambdaFunction: functions.FailRun,
    payload: TaskInput.fromText('{% $states.input %}'),
    ...last,
    retryOnServiceExceptions: false,
  })
    .addRetry(THROTTLED_CALL)
    .addRetry(FAILED_CALL)
  const collectOutputs = LambdaInvoke.jsonata(scope, 'CollectOutputs', {
    lambdaFunction: functions.CollectOutputs,
    payload: TaskInput.fromText(RUN_ID),
    ...last,
    retryOnServiceExceptions: false,
  })
    .addRetry(THROTTLED_CALL)
    .addRetry(FAILED_CALL)
    .addCatch(failRun, { errors: [Errors.ALL], outputs: FAILURE })
  const submitJob = LambdaInvoke.jsonata(scope, 'SubmitJob', {
    lambdaFunction: functions.SubmitJob,
    // Not batch:submitJob.sync: it adds container overrides, which Batch refuses for jobs of several containers.
    integrationPattern: IntegrationPattern.WAIT_FOR_TASK_TOKEN,
    payload: TaskInput.fromObject({
      runId: '{% $states.input.runId %}',
      taskToken: '{% $states.context.Task.Token %}',
    }),
    // Without a limit, a lost token would keep the execution waiting for one year.
    taskTimeout: Timeout.duration(Duration.seconds(Math.ceil(stage.runTimeoutHours * 3600))),
    // The next step needs the input, not the output of the token.
    outputs: '{% $states.input %}',
    retryOnServiceExceptions: false,
  })
    .addRetry(ENDED_SUBMISSION)
    .addRetry(THROTTLED_SUBMISSION)
    // Retries every error but a time-out, which is the time limit of the run.
    .addRetry({ ...FAILED_CALL, errors: [Errors.TASKS_FAILED] })
    .addCatch(failRun, { errors: [Errors.ALL], outputs: FAILURE })
    .next(collectOutputs)

  return submitJob
}
