import * as z from 'zod'
import { MAX_LIMIT } from '../query.ts'
import { MAX_TEXT_LENGTH } from '../routes/run-lists.ts'
import { answersJson, type Descriptions, parameter, refuses } from './description.ts'
import { runList } from './run-schemas.ts'
import { uuid } from './shared-schemas.ts'

const text = z.string().optional()

const EVENTS = `Live updates as server-sent events, which an edge and the local stack serve. First the present state of the runs, then changes:

- \`event: run\`: \`data\` is a \`ListedRun\`.
- \`event: removed\`: \`data\` is \`{"id"}\`.
- \`event: log\`: \`data\` is a \`LogPart\` with the key \`run\`.

A comment is sent every 15 seconds. A client that reconnects with \`Last-Event-ID\` gets the runs that have changed since, and the rest of the log. Runs that
were removed meanwhile are missing in the response to \`GET task-runs\`.`

/** Extensions of the contract. */
export const RUN_LIST_DESCRIPTIONS = {
  listRuns: {
    summary: 'Lists the runs of all tasks, newest first',
    description:
      'A new run appears within a second. One call reads at most 2000 runs, or 500 with `taskId`: with filters, `content` may be ' +
      'short or empty although `next` is set.',
    parameters: [
      parameter(
        'query',
        'state',
        'Only runs in one of these states: repeated, or separated by commas.',
        text,
      ),
      parameter('query', 'taskId', 'Only runs of this task.', uuid.optional()),
      parameter(
        'query',
        'q',
        "Text of at most 200 characters, in any letter case: a part of the task's name or of `namespace:version`, or the beginning " +
          'of the run id.',
        z.string().max(MAX_TEXT_LENGTH).optional(),
      ),
      parameter(
        'query',
        'id',
        'Exactly these runs, at most 200: repeated, or separated by commas. Other parameters are ignored.',
        text,
      ),
      parameter('query', 'cursor', 'The `next` of the previous page.', text),
      parameter(
        'query',
        'limit',
        'Maximum number of runs of the page; default 50.',
        z.int().min(1).max(MAX_LIMIT).optional(),
      ),
    ],
    responses: {
      ...answersJson(runList, 'One page.'),
      ...refuses({ 400: 'A value of the query is invalid; the message names it.' }),
    },
  },
  streamEvents: {
    summary: 'Streams changes of runs, and lines of a log',
    description: EVENTS,
    parameters: [
      parameter(
        'query',
        'run',
        'Ids of the runs, at most 100: repeated, or separated by commas. Default: the 200 newest runs.',
        text,
      ),
      parameter(
        'query',
        'after',
        'With one run: offset at which its log starts, `0` for its newest lines.',
        text,
      ),
      parameter(
        'header',
        'Last-Event-ID',
        'Id of the last received event, when the client reconnects.',
        text,
      ),
    ],
    responses: {
      200: {
        description: 'Live updates, until either side ends the stream.',
        content: { 'text/event-stream': { schema: z.string() } },
      },
      ...refuses({
        400: 'A value of the query is invalid; the message names it.',
        501: 'The request did not pass an edge: poll instead.',
        503: 'The edge serves its maximum number of clients, or the API does not answer.',
      }),
    },
  },
} satisfies Partial<Descriptions>
