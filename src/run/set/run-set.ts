import * as z from 'zod'
import type { Immutable } from '../../contract/immutable.ts'

/** Phases of a set as stored. The first four have work for the set's workflow; the others are final, some until a retry. */
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

/** States of a set as clients see them. */
export const SET_STATES = ['VALIDATING', 'RUNNING', 'FINISHED', 'FAILED', 'CANCELLED'] as const

export type SetState = (typeof SET_STATES)[number]

/** Most problems that a set keeps; the others are only counted. */
export const MAX_PROBLEMS = 100

const rowProblemSchema = z.object({
  /** From 1, without the header of a CSV; null for a shared value. */
  row: z.number().nullable(),
  /** Name of a parameter; null when the problem is about the row as a whole. */
  column: z.string().nullable(),
  errorCode: z.string(),
  message: z.string(),
})
/** What is wrong with a value of a set. */
export type RowProblem = Immutable<z.infer<typeof rowProblemSchema>>

export const runSetSchema = z.object({
  id: z.string(),
  /** The client's name for the set; only shown. */
  name: z.string().exactOptional(),
  taskId: z.string(),
  phase: z.enum(SET_PHASES),
  /** ISO-8601 UTC. */
  createdAt: z.string(),
  /** ISO-8601 UTC. */
  updatedAt: z.string(),
  /** Most runs at a time. */
  maxConcurrency: z.number(),
  /** Present round, from 1. */
  round: z.number(),
  /** Rows of each round; of the first 0 until its table was read. */
  roundRows: z.array(z.number()),
  /** Rows of the present round that are validated, or created, so far: where an interrupted worker goes on. */
  done: z.number(),
  /** Executions of the set's workflow so far: part of the name of the present one. */
  executions: z.number(),
  problemCount: z.number(),
  problems: z.array(rowProblemSchema),
  /** Why the engine could not carry the set out. */
  failure: z.string().exactOptional(),
})
/** Many runs of one task, made from a table of inputs. */
export type RunSet = Immutable<z.infer<typeof runSetSchema>>

/** Whether the set's workflow has something to do: the sweeper then looks after it. */
export function isUnfinished({ phase }: Pick<RunSet, 'phase'>): boolean {
  return SET_PHASES.indexOf(phase) < SET_PHASES.indexOf('finished')
}

/** Name of the set's present execution. */
export function executionNameOf({ id, executions }: Pick<RunSet, 'id' | 'executions'>): string {
  return `${id}-${executions}`
}
