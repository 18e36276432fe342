import * as z from 'zod'
import type { Immutable } from '../../contract/immutable.ts'

/** Stored phases of a set. In the first four, the set's workflow has work. The others are final, some of them until a retry. */
const SET_PHASES = [
  'validating',
  'creating',
  'running',
  'cancelling',
  'finished',
  'cancelled',
  'invalid',
  'failed',
] as const

/** States of a set in the API. */
export const SET_STATES = ['VALIDATING', 'RUNNING', 'FINISHED', 'FAILED', 'CANCELLED'] as const

export type SetState = (typeof SET_STATES)[number]

/** Maximum number of problems that a set stores; further ones are only counted. Together they fit into its item of 400 KB. */
export const MAX_PROBLEMS = 100
/** Maximum number of groups of failures in a response, largest first. */
export const MAX_GROUPS = 20
/** Maximum length of a column name, and of a message, in a stored problem, in UTF-16 units. */
export const MAX_COLUMN_LENGTH = 200
export const MAX_MESSAGE_LENGTH = 500

const rowProblemSchema = z.object({
  /** From 1, without the header of a CSV; null for a shared value. */
  row: z.number().nullable(),
  /** Name of a parameter; null when the problem is about the row as a whole. */
  column: z.string().nullable(),
  errorCode: z.string(),
  message: z.string(),
})
/** Problem with a value of a set. */
export type RowProblem = Immutable<z.infer<typeof rowProblemSchema>>

export const runSetSchema = z.object({
  id: z.string(),
  /** Name that the client chose, for display only. */
  name: z.string().exactOptional(),
  taskId: z.string(),
  phase: z.enum(SET_PHASES),
  /** ISO-8601 UTC. */
  createdAt: z.string(),
  /** ISO-8601 UTC. */
  updatedAt: z.string(),
  /** Maximum number of concurrent runs. */
  maxConcurrency: z.number(),
  /** Whether its runs take the outputs of equal runs. */
  reuse: z.literal(true).exactOptional(),
  /** Current round, from 1. */
  round: z.number(),
  /**
   * Number of rows; 0 until the table was read. Then for each retry the number of its rows that had a run before, which come first in
   * the order of the round.
   */
  roundRows: z.array(z.number()),
  /** Number of rows that are validated, or of the current round that are created. An interrupted worker continues there. */
  done: z.number(),
  /** Number of executions of the set's workflow so far; part of the name of the current one. */
  executions: z.number(),
  /** Value of `executions` when the current round began; absent in the first one. */
  firstExecution: z.number().exactOptional(),
  problemCount: z.number(),
  problems: z.array(rowProblemSchema),
  /**
   * Rows, from 0, of the current round whose runs are being created: their values may be stored without a run. Absent until the table
   * was validated.
   */
  creatingRows: z.array(z.number()).exactOptional(),
  /** Why the engine could not run the set. */
  failure: z.string().exactOptional(),
})
/** Many runs of one task, created from a table of inputs. */
export type RunSet = Immutable<z.infer<typeof runSetSchema>>

/** Whether the set's workflow has work, so that the sweeper has to check it. */
export function isUnfinished({ phase }: Pick<RunSet, 'phase'>): boolean {
  return SET_PHASES.indexOf(phase) < SET_PHASES.indexOf('finished')
}

/** Whether the set's workflow creates or cancels runs, so that some rows of the current round may not have their run yet. */
export function isInTransition({ phase }: Pick<RunSet, 'phase'>): boolean {
  return isUnfinished({ phase }) && phase !== 'running'
}

/** Name of the set's current execution. */
export function executionNameOf({ id, executions }: Pick<RunSet, 'id' | 'executions'>): string {
  return `${id}-${executions}`
}

/** Whether the service ended a round: it could not create the runs, or a file was removed after the table was validated. */
export function hasFailed(runSet: Pick<RunSet, 'failure' | 'creatingRows' | 'problemCount'>): boolean {
  return runSet.failure !== undefined || hasRefusedFiles(runSet)
}

/** Whether the problems of a set are files that were removed or replaced after its table was validated. */
export function hasRefusedFiles({
  creatingRows,
  problemCount,
}: Pick<RunSet, 'creatingRows' | 'problemCount'>): boolean {
  // A set that was cancelled while its table was validated may have problems too, but no `creatingRows`.
  return creatingRows !== undefined && problemCount > 0
}

/**
 * State for clients: FINISHED as soon as the last run has ended, before the set's workflow records it.
 * @param open number of runs that have not ended
 */
export function setStateOf(
  runSet: Pick<RunSet, 'phase' | 'round' | 'failure' | 'creatingRows' | 'problemCount'>,
  open: number,
): SetState {
  switch (runSet.phase) {
    case 'validating':
      return 'VALIDATING'
    case 'creating':
      return runSet.round === 1 ? 'VALIDATING' : 'RUNNING'
    case 'running':
      return open === 0 ? 'FINISHED' : 'RUNNING'
    case 'finished':
      return 'FINISHED'
    case 'cancelling':
    case 'cancelled':
      return hasFailed(runSet) ? 'FAILED' : 'CANCELLED'
    default:
      return 'FAILED'
  }
}
