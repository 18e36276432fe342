import type { RunFailureKind } from '../contract/run-failure-kinds.ts'
import type { JobUsage } from './job/cost.ts'
import type { RunState } from './transitions.ts'

/** Why a run is FAILED, in words that a task author understands. */
export interface RunFailure {
  readonly kind: RunFailureKind
  readonly message: string
  /** Of the task's container. */
  readonly exitCode?: number
  /** Submission that failed, from 1. */
  readonly attempt?: number
}

/** What is stored for one input of a run. */
export type Provision =
  /** A file with `valueId` exists in the values of the run. */
  | {
      readonly kind: 'value'
      readonly valueId: string
      /** Of an array that was given whole: its indexes are 0 to size - 1, or `indexes` where some are missing. */
      readonly size?: number
      readonly indexes?: readonly number[]
      /** Of an array's item: what it was laid over when it came; it counts while that is still there. */
      readonly base?: string
      /** Of an array that was made of its items: what they, and those that come late, were laid over. */
      readonly itemBase?: string
      /** Of an item within something that was given whole: how many items each inner level on the way to it had there. */
      readonly levelSizes?: readonly number[]
    }
  /** Explicit null on an optional input: no file, and no default either. */
  | {
      readonly kind: 'cleared'
      /** Of an array: tells this clearing from others, since items that came before it do not count. */
      readonly clearedId?: string
    }

/** One submission of a run to Batch. */
export interface RunJob {
  /** From 1; a new submission of the same run gets the next one. */
  readonly attempt: number
  /** Derived from run id and attempt, so that an event names its run even before the job id is stored. */
  readonly jobName: string
  readonly jobId?: string
  /** Answered by the last event of the job. */
  readonly taskToken?: string
  /** CloudWatch stream of the task's container. */
  readonly logStreamName?: string
  /** The same of Batch's other attempts. */
  readonly otherLogStreams?: readonly string[]
  /** Batch's own attempt that succeeded, from 1: its outputs are the ones to collect. */
  readonly succeededAttempt?: number
  /** Why the job is not placed on a machine, as Batch said last, and since when it waits (ISO-8601 UTC). */
  readonly waiting?: { readonly reason: string; readonly since: string }
  /** A container has failed and Batch goes on with the job: known since the run's last change at the latest. */
  readonly isStalled?: true
  /** Once it has ended, if a container of it ran. */
  readonly usage?: JobUsage
}

export interface Run {
  readonly id: string
  readonly taskId: string
  readonly state: RunState
  /** ISO-8601 UTC. */
  readonly createdAt: string
  /** null until the first change. */
  readonly updatedAt: string | null
  /** Opens the stager's routes of this run and nothing else; never in an answer. */
  readonly secret: string
  /** By parameter name; items of arrays by name, `/` and index path. Frozen from QUEUING on. */
  readonly provisions: Readonly<Record<string, Provision>>
  readonly job?: RunJob
  /** Key prefix (ending in `/`) of the outputs that were validated; set with FINISHED, never before. */
  readonly outputsPrefix?: string
  readonly failure?: RunFailure
}

/** Content of one input or output file: in the item itself when small, else in the bucket. */
export type FileContent =
  | { readonly kind: 'inline'; readonly text: string }
  | { readonly kind: 'object'; readonly key: string; readonly sizeBytes: number }
  /** A folder: a zip of uncompressed entries whose names start with the parameter's, as downloads answer it. */
  | { readonly kind: 'tree'; readonly key: string; readonly sizeBytes: number }
  /** A folder as its client packed it: a zip of any form, whose entries lie below the parameter's folder. */
  | { readonly kind: 'zip'; readonly key: string; readonly sizeBytes: number }

/** One stored version of an input; it counts once {@link Run.provisions} points at it. */
export interface InputValue {
  readonly runId: string
  readonly parameterName: string
  readonly valueId: string
  /** What the container finds in `<input folder>/<parameter>`. */
  readonly file: FileContent
  /** What the container finds in `<parameter>.geojson`: where an image was cut out. */
  readonly companion?: FileContent
}

/** What is stored for an input; a parameter may be called `constructor`, so only own keys count. */
export function provisionOf(run: Pick<Run, 'provisions'>, parameterName: string): Provision | undefined {
  return Object.hasOwn(run.provisions, parameterName) ? run.provisions[parameterName] : undefined
}
