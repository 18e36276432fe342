import { Validations } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import {
  DefinitionBody,
  LogLevel,
  QueryLanguage,
  StateMachine,
  StateMachineType,
} from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import type { Stage } from '../settings.ts'
import { EngineLogGroup, removalPolicyOf } from './log-group.ts'
import { explainWildcard } from './permissions.ts'
import { type RunStep, runSteps } from './run-steps.ts'

export interface RunWorkflowProps {
  /** Fixed beforehand, because the steps' own permissions and variables name the machine. */
  readonly stateMachineName: string
  readonly functions: Readonly<Record<RunStep, IFunction>>
  readonly stage: Pick<Stage, 'runTimeoutHours' | 'logRetentionDays' | 'keepData'>
}

/**
 * State machine of runs. Each run has one execution, with input `{runId}`. An execution fails only if it could not record the failure
 * of its run.
 */
export class RunWorkflow extends Construct {
  readonly stateMachine: StateMachine

  constructor(scope: Construct, id: string, props: RunWorkflowProps) {
    super(scope, id)
    const { functions, stage } = props
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      stateMachineName: props.stateMachineName,
      stateMachineType: StateMachineType.STANDARD,
      queryLanguage: QueryLanguage.JSONATA,
      definitionBody: DefinitionBody.fromChainable(runSteps(this, { functions, stage })),
      tracingEnabled: true,
      removalPolicy: removalPolicyOf(stage),
      logs: {
        level: LogLevel.ERROR,
        destination: new EngineLogGroup(this, 'Logs', stage),
      },
    })
    explainMachine(this.stateMachine, Object.values(functions))
  }
}

/** Records the reasons for the wildcards that the CDK writes into the role of a state machine. */
export function explainMachine(stateMachine: StateMachine, functions: readonly IFunction[]): void {
  Validations.of(stateMachine).acknowledge({
    id: 'AwsSolutions-SF1',
    reason: 'Every execution keeps its history for 90 days; the log adds the errors, which alarms count',
  })
  for (const { functionArn } of functions) {
    explainWildcard(stateMachine, `${functionArn}:*`, 'Versions and aliases of one named function')
  }
  explainWildcard(
    stateMachine,
    '*',
    'Delivery of logs and X-Ray segments have no resource level; the CDK writes both statements',
  )
}
