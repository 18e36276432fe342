import * as z from 'zod'
import { RUN_FAILURE_KINDS } from '../../../src/contract/run-failure-kinds.ts'
import { MAX_PROBLEMS, SET_STATES } from '../../../src/run/set/run-set.ts'
import { MAX_ROWS } from '../../../src/run/set/set-run-id.ts'
import { RUN_STATES } from '../../../src/run/transitions.ts'
import { MAX_GROUPS } from '../../../src/run-set/describe-run-set.ts'
import { MAX_COLUMNS } from '../../../src/run-set/row-table.ts'
import { MAX_LIMIT } from '../query.ts'
import { MAX_CONCURRENCY, newRunSetSchema } from '../routes/run-sets.ts'
import { component } from './components.ts'
import {
  answersFile,
  answersJson,
  answersNothing,
  body,
  type Descriptions,
  JSON_TYPE,
  parameter,
  refuses,
} from './description.ts'
import { instant, uuid } from './shared-schemas.ts'
import { taskDescription } from './task-schemas.ts'

const SET_UNKNOWN = 'No such run set.'

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
  maxConcurrency: z.int().min(1).max(MAX_CONCURRENCY).describe('Most runs at a time.'),
  reuse: z.boolean().describe('Whether runs take the outputs of equal runs.'),
  round: z.int().min(1).describe('One more for each retry.'),
  rows: count.describe('0 until the table was read.'),
  counts: z
    .strictObject({ waiting: count, active: count, finished: count, failed: count })
    .describe('Number of rows by the state of their latest run.'),
  cost: z.strictObject({
    usd: z.number().describe('Estimate for the runs that have ended.'),
    remainingUsd: z
      .number()
      .optional()
      .describe('Estimate for the others, from the mean of those; absent before the first has ended.'),
  }),
}

const listedRunSet = component('ListedRunSet', z.strictObject(listedShape))

const rowProblem = component(
  'RowProblem',
  z.strictObject({
    row: z.int().min(1).nullable().describe('From 1, without the header of a CSV; null for a shared value.'),
    column: z.string().nullable().describe('Parameter; null for the row or the table as a whole.'),
    errorCode: z.string(),
    message: z.string(),
  }),
)

const runSet = component(
  'RunSet',
  z.strictObject({
    ...listedShape,
    problems: z
      .strictObject({ count, content: z.array(rowProblem).max(MAX_PROBLEMS) })
      .optional()
      .describe('Problems of the table: their number, and the first of them. No run was created.'),
    failures: z
      .array(
        z.strictObject({ ...reason, count, example: z.strictObject({ row: z.int().min(1), runId: uuid }) }),
      )
      .max(MAX_GROUPS)
      .optional()
      .describe('Failures of the current round by reason, the most frequent first.'),
    error: z.strictObject(reason).optional().describe('Why the engine could not continue.'),
  }),
)

const setRun = component(
  'RunSetRun',
  z.strictObject({
    row: z.int().min(1),
    runId: uuid,
    state: z.enum(RUN_STATES),
    updatedAt: instant.nullable(),
    startedAt: instant.optional().describe('Start of its first container.'),
    endedAt: instant.optional(),
    reusedFrom: uuid.optional().describe('The run that computed the outputs, where it is another one.'),
    error: z.strictObject(reason).optional(),
    cost: z.strictObject({ usd: z.number() }).optional(),
  }),
)

const values = z
  .record(z.string(), z.unknown())
  .meta({ maxProperties: MAX_COLUMNS })
  .describe('Values by the name of their parameter.')
const newRunSet = component(
  'NewRunSet',
  newRunSetSchema.extend({
    shared: values.optional(),
    rows: z.union([z.array(values).min(1).max(MAX_ROWS), z.object({ uploadId: z.string() })]),
    reuse: z
      .boolean()
      .optional()
      .describe('As `reuse` of a state action, for each run when its turn has come.'),
  }),
)

const next = z.string().optional().describe('Cursor of the next page; absent on the last page.')
const paging = [
  parameter('query', 'cursor', 'The `next` of the previous page.', z.string().optional()),
  parameter(
    'query',
    'limit',
    'Maximum number of entries of the page; default 50.',
    z.int().min(1).max(MAX_LIMIT).optional(),
  ),
]
const NOTHING_TO_DOWNLOAD =
  'No run is FINISHED, or the outputs are more than 500 runs, 50 000 files or 512 MiB.'

/** Extensions of the contract. */
export const RUN_SET_DESCRIPTIONS = {
  createRunSet: {
    summary: 'Runs a task on each row of a table',
    description:
      'The table is validated as a whole, then a run is created for each row and executed within the concurrency of the set. `rows` is a list of ' +
      'objects, or an upload (purpose `input`) with JSON lines, a JSON array, or CSV whose header names parameters: 1 to 10 000 ' +
      'rows, at most 1000 columns of all rows together, and 32 MiB. `shared` has the values of all rows. Values are those of `input-provisions`; an image or file is a text: ' +
      '`upload:<id>`, `run:<id>/<output>`, or `s3://<bucket>/<key>` where the installation allows the bucket. In a CSV an empty field is ' +
      'no value, and an array is JSON.',
    requestBody: body({ [JSON_TYPE]: newRunSet }),
    responses: {
      201: {
        description: 'The set, whose table is now validated.',
        content: { [JSON_TYPE]: { schema: runSet } },
      },
      ...refuses({
        400: 'The body has another form, or names no table or task.',
        404: 'No such task, or no such upload.',
        409: 'The upload is not complete, or of another purpose.',
      }),
    },
  },
  listRunSets: {
    summary: 'Lists run sets, newest first',
    parameters: paging,
    responses: {
      ...answersJson(
        component('RunSetList', z.strictObject({ content: z.array(listedRunSet), next })),
        'One page.',
      ),
      ...refuses({ 400: 'A value of the query is invalid; the message names it.' }),
    },
  },
  getRunSet: {
    summary: 'Describes a run set',
    responses: { ...answersJson(runSet, 'The set.'), ...refuses({ 404: SET_UNKNOWN }) },
  },
  deleteRunSet: {
    summary: 'Deletes a run set with its runs, and ends those that still run',
    description: 'The set is gone at once, its runs within minutes. A repetition does nothing.',
    responses: answersNothing('There is no such set, or no longer.'),
  },
  cancelRunSet: {
    summary: 'Cancels a run set',
    description:
      'No run starts any more; those that have not ended become FAILED, kind `cancelled`, within a minute or so.',
    responses: {
      ...answersJson(runSet, 'The set.'),
      ...refuses({ 404: SET_UNKNOWN, 409: 'The set has ended.' }),
    },
  },
  retryRunSet: {
    summary: 'Retries the failed rows',
    description: 'Each gets a new run with the same inputs; the failed runs stay until the set is deleted.',
    responses: {
      ...answersJson(runSet, 'The set.'),
      ...refuses({
        404: SET_UNKNOWN,
        409: 'The set has not ended, nothing failed, or it was retried 99 times.',
      }),
    },
  },
  listRunSetRuns: {
    summary: 'Lists the latest run of each row',
    description:
      'With `state`, one call considers 2000 rows: `content` may be short or empty although `next` is set.',
    parameters: [
      parameter('query', 'state', 'Only runs in this state.', z.enum(RUN_STATES).optional()),
      ...paging,
    ],
    responses: {
      ...answersJson(
        component('RunSetRunList', z.strictObject({ content: z.array(setRun), next })),
        'One page.',
      ),
      ...refuses({ 400: 'A value of the query is invalid; the message names it.', 404: SET_UNKNOWN }),
    },
  },
  downloadRunSetTable: {
    summary: 'Downloads the table of scalar outputs as CSV',
    description:
      'A line for each row: its latest run, state, reason, cost, the inputs of the row, and outputs that are not files.',
    responses: { ...answersFile('The table.', 'text/csv'), ...refuses({ 404: SET_UNKNOWN }) },
  },
  downloadRunSetArchive: {
    summary: 'Downloads the outputs of all finished runs as a zip, a folder for each row',
    responses: {
      ...answersFile('A zip of uncompressed entries.', 'application/zip'),
      ...refuses({ 404: SET_UNKNOWN, 409: NOTHING_TO_DOWNLOAD }),
    },
  },
} satisfies Partial<Descriptions>
