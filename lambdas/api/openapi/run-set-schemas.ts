import * as z from 'zod'
import type { Immutable } from '../../../src/contract/immutable.ts'
import { RUN_FAILURE_KINDS } from '../../../src/contract/run-failure-kinds.ts'
import { MAX_COLUMNS, MAX_CONCURRENCY, MAX_ROWS } from '../../../src/contract/run-set-limits.ts'
import { MAX_GROUPS, MAX_PROBLEMS, SET_STATES } from '../../../src/run/set/run-set.ts'
import { RUN_STATES } from '../../../src/run/transitions.ts'
import { newRunSetSchema } from '../routes/run-set-body.ts'
import { component } from './components.ts'
import { instant, uuid } from './shared-schemas.ts'
import { taskDescription } from './task-schemas.ts'

const count = z.int().min(0)
const reason = { kind: z.enum(RUN_FAILURE_KINDS), message: z.string() }

const listedShape = {
  id: uuid,
  name: z.string().nullable(),
  task: taskDescription.nullable().describe('null while the task is being deleted.'),
  state: z
    .enum(SET_STATES)
    .describe(
      'FINISHED when every run has ended, successfully or not; FAILED when no run was started, or the engine could not continue.',
    ),
  createdAt: instant,
  updatedAt: instant,
  maxConcurrency: z.int().min(1).max(MAX_CONCURRENCY).describe('Maximum number of concurrent runs.'),
  reuse: z.boolean().describe('Whether runs take the outputs of equal runs.'),
  round: z.int().min(1).describe('Current round: 1, plus 1 for each retry.'),
  rows: count.describe('Number of rows; 0 until the table has been read.'),
  counts: z
    .strictObject({ waiting: count, active: count, finished: count, failed: count, skipped: count })
    .describe(
      'Number of rows by the state of their latest run; together they are `rows`. `skipped` rows got no run before the set ended.',
    ),
  cost: z.strictObject({
    usd: z.number().describe('Estimate for the runs that have ended.'),
    remainingUsd: z
      .number()
      .exactOptional()
      .describe(
        'Estimate for the runs that have not ended, from the mean of the ended ones; absent before the first has ended.',
      ),
  }),
}

const listedRunSet = component('ListedRunSet', z.strictObject(listedShape))
export type ListedRunSet = Immutable<z.output<typeof listedRunSet>>

const rowProblem = component(
  'RowProblem',
  z.strictObject({
    row: z
      .int()
      .min(1)
      .nullable()
      .describe('Row from 1, not counting the header of a CSV; null for a shared value.'),
    column: z
      .string()
      .nullable()
      .describe('Name of the parameter; null for the row or the table as a whole.'),
    errorCode: z.string(),
    message: z.string(),
  }),
)

export const runSet = component(
  'RunSet',
  z.strictObject({
    ...listedShape,
    problems: z
      .strictObject({ count, content: z.array(rowProblem).max(MAX_PROBLEMS) })
      .exactOptional()
      .describe(
        'Problems of the table: their number, and the first ones. No run of the current round was started. With `error`, they are files that were removed or replaced after the table was checked, and later rows may have more.',
      ),
    failures: z
      .array(
        z.strictObject({ ...reason, count, example: z.strictObject({ row: z.int().min(1), runId: uuid }) }),
      )
      .max(MAX_GROUPS)
      .exactOptional()
      .describe(
        'Failures of the current round by reason, the most frequent first. Reasons beyond the first 100 of a sixteenth of the rows are one entry for each kind, whose message has an example.',
      ),
    error: z
      .strictObject(reason)
      .exactOptional()
      .describe(
        'Why no run of the current round was started, although the table was valid. The set can be retried.',
      ),
  }),
)
export type RunSet = Immutable<z.output<typeof runSet>>

const setRun = component(
  'RunSetRun',
  z.strictObject({
    row: z.int().min(1),
    runId: uuid,
    state: z.enum(RUN_STATES),
    updatedAt: instant.nullable(),
    startedAt: instant.exactOptional().describe('Start of its first container.'),
    endedAt: instant.exactOptional(),
    reusedFrom: uuid
      .exactOptional()
      .describe('Id of the run whose outputs this run took instead of being executed.'),
    error: z.strictObject(reason).exactOptional(),
    cost: z.strictObject({ usd: z.number() }).exactOptional(),
  }),
)
export type RunSetRun = Immutable<z.output<typeof setRun>>

const next = z.string().exactOptional().describe('Cursor of the next page; absent on the last page.')

export const runSetList = component('RunSetList', z.strictObject({ content: z.array(listedRunSet), next }))

export const runSetRunList = component('RunSetRunList', z.strictObject({ content: z.array(setRun), next }))

const values = z
  .record(z.string(), z.unknown())
  .meta({ maxProperties: MAX_COLUMNS })
  .describe('Values by parameter name.')

export const newRunSet = component(
  'NewRunSet',
  newRunSetSchema.extend({
    shared: values.optional(),
    rows: z.union([z.array(values).min(1).max(MAX_ROWS), z.object({ uploadId: z.string() })]),
    reuse: z
      .boolean()
      .optional()
      .describe('As `reuse` of a state action, for each run when the set starts it.'),
  }),
)
export type NewRunSet = Immutable<z.input<typeof newRunSet>>
