import type { Duration } from 'aws-cdk-lib'
import type { VARIABLES } from '../../src/contract/environment.ts'
import type { JobPlatform } from '../job-platform.ts'
import type { Stage } from '../settings.ts'
import type { EventChoice } from './event-trigger.ts'
import type { Grants } from './grants.ts'
import type { Permission } from './permissions.ts'
import type { SetStep } from './run-set-workflow.ts'

/** Values for the variables, permissions and trigger of a function definition. */
export interface FunctionContext {
  readonly stage: Stage
  readonly platform: JobPlatform
  /** Base URL of the stagers' API, without a slash at its end. */
  readonly stagerApiUrl: string
  /** Values of the variables that several functions read. */
  readonly values: Readonly<
    Record<
      | 'installation'
      | 'resourceTags'
      | 'tableName'
      | 'bucketName'
      | 'stateMachineArn'
      | 'setMachineArn'
      | 'jobLogGroup'
      | 'eventBusName'
      | 'deliveryQueueUrl'
      | 'jobQueues'
      | 'registryUrl',
      string
    >
  >
  readonly grants: Grants
}

/** Events that call a function asynchronously. */
export interface EventSource {
  /** Id of the construct with the rules and their dead-letter queue. */
  readonly id: string
  /** Label of the dead-letter queue, on the dashboard and in the id of its alarm. */
  readonly deadLetters: string
  /** Rules by construct id; the first is `Rule`. */
  rules(context: FunctionContext): Readonly<Record<string, EventChoice>>
}

/** Changes of the table that call a function, in batches and in the order in which each item changed. */
export interface ChangeSource {
  /** Id of the construct with the mapping and its dead-letter queue. */
  readonly id: string
  /** Label of the dead-letter queue, on the dashboard and in the id of its alarm. */
  readonly deadLetters: string
  /** Sort keys of the items. */
  readonly sortKeys: readonly string[]
}

/** Messages of a queue that call a function. */
export interface QueueSource {
  /** Name of the queue; there is one. */
  readonly queue: 'deliveries'
  /** Label of its dead-letter queue, on the dashboard and in the id of its alarm. */
  readonly deadLetters: string
}

/** Files beside the code of a function. */
export interface FunctionAssets {
  /** Name of their folder. */
  readonly folder: string
  /** Shell command that creates the folder `target`. */
  command(target: string): string
}

/** Complete definition of one Lambda function for the stacks. */
export interface FunctionDefinition {
  /** Folder below `lambdas/`; in Pascal case, the construct's id. */
  readonly name: string
  readonly memoryMib: number
  readonly timeout: Duration
  /** Values of exactly the variables that `lambdas/<name>/index.ts` reads. */
  variables(context: FunctionContext): Readonly<Partial<Record<keyof typeof VARIABLES, string>>>
  permissions(context: FunctionContext): readonly Permission[]
  /** Caller: the API, a step of a workflow, events, changes of the table, or a queue. */
  readonly trigger: 'api' | SetStep | EventSource | ChangeSource | QueueSource
  /** Absent: code only. */
  assets?(stage: Pick<Stage, 'console'>): readonly FunctionAssets[]
}
