import { Arn, ArnFormat, Duration, Stack } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import {
  Choice,
  Condition,
  DefinitionBody,
  DistributedMap,
  JsonPath,
  LogLevel,
  StateMachine,
  StateMachineType,
  Succeed,
  TaskInput,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions'
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks'
import { Construct } from 'constructs'
import { MAX_ROWS } from '../../src/contract/run-set-limits.ts'
import type { Stage } from '../settings.ts'
import { EngineLogGroup, removalPolicyOf } from './log-group.ts'
import { explainWildcard } from './permissions.ts'
import { FAILED_CALL, type RunStep, runSteps, THROTTLED_CALL } from './run-steps.ts'
import { explainMachine } from './run-workflow.ts'

/** Steps of a set that call a function: those of its runs, and the worker of the set. */
export type SetStep = RunStep | 'WorkOnRunSet'

export interface RunSetWorkflowProps {
  /** Fixed beforehand, because the steps' own permissions and variables name the machine. */
  readonly stateMachineName: string
  readonly functions: Readonly<Record<SetStep, IFunction>>
  readonly stage: Pick<Stage, 'runTimeoutHours' | 'logRetentionDays' | 'keepData'>
}

/** Pause between the end of a Map and the next call of the worker. Limits the rate of a loop over runs that cannot end. */
const PAUSE = Duration.seconds(5)

/**
 * State machine of run sets, with input `{setId}`. `WorkOnRunSet` processes the set and returns the runs to
 * execute. Each run is a child execution of a Distributed Map with the steps of any run. The query language
 * is JSONPath, because it allows a path as `MaxConcurrency`. The steps of a run are in JSONata, as in their
 * own state machine.
 */
export class RunSetWorkflow extends Construct {
  readonly stateMachine: StateMachine

  constructor(scope: Construct, id: string, props: RunSetWorkflowProps) {
    super(scope, id)
    const { functions, stage } = props
    const work = new LambdaInvoke(this, 'WorkOnRunSet', {
      lambdaFunction: functions.WorkOnRunSet,
      payload: TaskInput.fromObject({ setId: JsonPath.stringAt('$$.Execution.Input.setId') }),
      outputPath: '$.Payload',
      retryOnServiceExceptions: false,
    })
      .addRetry(THROTTLED_CALL)
      .addRetry(FAILED_CALL)
    const runs = new DistributedMap(this, 'Runs', {
      mapExecutionType: StateMachineType.STANDARD,
      itemsPath: '$.runs',
      maxConcurrencyPath: '$.maxConcurrency',
      itemSelector: {
        runId: JsonPath.format('{}{}', JsonPath.stringAt('$.prefix'), JsonPath.stringAt('$$.Map.Item.Value')),
      },
      // The execution of a run records its failure; a run whose failure was not recorded is found by the next
      // call of the worker. A count, since LocalStack's parser rejects a percentage without a fraction.
      toleratedFailureCount: MAX_ROWS,
      resultPath: JsonPath.DISCARD,
    })
    // A short output, because the results of all runs together are limited to 256 KiB.
    runs.itemProcessor(runSteps(this, { functions, stage, outputs: '{% 0 %}' }))
    const pause = new Wait(this, 'Pause', { time: WaitTime.duration(PAUSE) })
    const next = new Choice(this, 'IsWorkLeft')
      .when(Condition.isPresent('$.runs[0]'), runs.next(pause).next(work))
      .when(Condition.booleanEquals('$.isDone', true), new Succeed(this, 'Done'))
      .otherwise(work)

    this.stateMachine = new StateMachine(this, 'StateMachine', {
      stateMachineName: props.stateMachineName,
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromChainable(work.next(next)),
      tracingEnabled: true,
      removalPolicy: removalPolicyOf(stage),
      logs: {
        level: LogLevel.ERROR,
        destination: new EngineLogGroup(this, 'Logs', stage),
      },
    })
    explainMachine(this.stateMachine, Object.values(functions))
    for (const map of ['', '/*']) {
      explainWildcard(
        this.stateMachine,
        this.executionsOf(map),
        'The Distributed Map starts and stops the executions of its runs',
      )
    }
  }

  /** ARN of the executions, in the form of the CDK's own policy for a Distributed Map. */
  private executionsOf(map: string): string {
    const arnFormat = ArnFormat.COLON_RESOURCE_NAME
    const { resourceName } = Arn.split(this.stateMachine.stateMachineArn, arnFormat)
    return Stack.of(this).formatArn({
      service: 'states',
      resource: 'execution',
      resourceName: `${resourceName}${map}:*`,
      arnFormat,
    })
  }
}
