import * as z from 'zod'
import { MAX_COLUMNS, MAX_ROWS, MAX_TABLE_BYTES } from '../../../src/contract/run-set-limits.ts'
import { MAX_LIMIT } from '../query.ts'
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
import { newRunSet, runSet, runSetList, runSetRunList } from './run-set-schemas.ts'

const SET_UNKNOWN = 'No such run set.'

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
  'No run is FINISHED, or there are more than 500 runs, 50 000 files or 512 MiB of outputs.'

/** Extensions of the contract. */
export const RUN_SET_DESCRIPTIONS = {
  createRunSet: {
    summary: 'Runs a task on each row of a table',
    description:
      'The table is validated as a whole. Then a run is created for each row, and executed within the concurrency of the set. `rows` is a list of ' +
      'objects, or an upload (purpose `input`) with JSON lines, a JSON array, or CSV whose header names parameters: 1 to ' +
      `${MAX_ROWS} rows, at most ${MAX_COLUMNS} columns of all rows together, and ${MAX_TABLE_BYTES / 1024 ** 2} MiB. ` +
      '`shared` has values for all rows. Values are written as for `input-provisions`; an image or file is named by a text: ' +
      '`upload:<id>`, `run:<id>/<output>`, or `s3://<bucket>/<key>` where the installation allows the bucket. In a CSV, an empty field is ' +
      'no value, and an array is written as JSON. Arrays of images or files cannot be given.',
    requestBody: body({ [JSON_TYPE]: newRunSet }),
    responses: {
      201: {
        description: 'The set. Its table is being validated.',
        content: { [JSON_TYPE]: { schema: runSet } },
      },
      ...refuses({
        400: 'The body is malformed, or names no table or no task.',
        404: 'No such task, or no such upload.',
        409: 'The upload is not complete, or has another purpose.',
      }),
    },
  },
  listRunSets: {
    summary: 'Lists run sets, newest first',
    description: '`content` may be short or empty although `next` is set, while sets are being deleted.',
    parameters: paging,
    responses: {
      ...answersJson(runSetList, 'One page.'),
      ...refuses({ 400: 'A value of the query is invalid; the message names it.' }),
    },
  },
  getRunSet: {
    summary: 'Describes a run set',
    responses: { ...answersJson(runSet, 'The set.'), ...refuses({ 404: SET_UNKNOWN }) },
  },
  deleteRunSet: {
    summary: 'Deletes a run set with its runs, and stops active ones',
    description:
      'The set is unknown at once; its runs are deleted within minutes. Repeating the call does nothing.',
    responses: answersNothing('The set does not exist, or was deleted.'),
  },
  cancelRunSet: {
    summary: 'Cancels a run set',
    description:
      'No further run starts. Runs that have not ended become FAILED with kind `cancelled`, within about a minute; rows without a run are then `skipped`.',
    responses: {
      ...answersJson(runSet, 'The set.'),
      ...refuses({ 404: SET_UNKNOWN, 409: 'The set has ended.' }),
    },
  },
  retryRunSet: {
    summary: 'Retries the failed and skipped rows',
    description:
      'Each failed row gets a new run with the same inputs, and each skipped row its run; the failed runs stay until the set is deleted. A row ' +
      'whose failed run was deleted gets its values from the table. If the set ' +
      'was cancelled before its table was validated, the table is validated first.',
    responses: {
      ...answersJson(runSet, 'The set.'),
      ...refuses({
        404: SET_UNKNOWN,
        409: 'The set has not ended, its table was refused, no row failed or was skipped, or the set was retried 99 times.',
      }),
    },
  },
  listRunSetRuns: {
    summary: 'Lists the latest run of each row',
    description:
      'Rows without a run are omitted. With `state`, one call reads 2000 rows: `content` may be short or empty although `next` is set.',
    parameters: [
      parameter(
        'query',
        'state',
        'Only runs in one of these states: repeated, or separated by commas.',
        z.string().optional(),
      ),
      ...paging,
    ],
    responses: {
      ...answersJson(runSetRunList, 'One page.'),
      ...refuses({ 400: 'A value of the query is invalid; the message names it.', 404: SET_UNKNOWN }),
    },
  },
  downloadRunSetTable: {
    summary: 'Downloads the table of scalar outputs as CSV',
    description:
      'A line for each row: its latest run, state, reason, cost, the inputs that the table has, with shared values where a row has none, and the scalar outputs. A text that a spreadsheet would take for a formula has an apostrophe before it. The state of a row ' +
      'without a run is WAITING, SKIPPED or DELETED. Strings over 1 MiB are truncated, as in listings of outputs; their cell ends with the path of the whole one.',
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
