import * as z from 'zod'
import { component } from './components.ts'
import { answersJson, type Descriptions, parameter, refuses } from './description.ts'
import { listedRun } from './run-schemas.ts'
import { uuid } from './shared-schemas.ts'

const runList = component(
  'RunList',
  z.strictObject({
    content: z.array(listedRun),
    next: z.string().optional().describe('Cursor of the next page; absent when no run is left.'),
  }),
)

const text = z.string().optional()

/** Extensions of the contract. */
export const RUN_LIST_DESCRIPTIONS = {
  listRuns: {
    summary: 'Lists the runs of all tasks, newest first',
    description:
      'A new run appears within a second. One call considers at most 2000 runs, or 500 with `taskId`: with filters, `content` may be ' +
      'short or empty while `next` leads on.',
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
        text,
      ),
      parameter(
        'query',
        'id',
        'Exactly these runs, at most 200: repeated, or separated by commas. Other parameters are ignored.',
        text,
      ),
      parameter('query', 'cursor', 'The `next` of the page before.', text),
      parameter(
        'query',
        'limit',
        'Most runs of the page; 50 without it.',
        z.int().min(1).max(200).optional(),
      ),
    ],
    responses: {
      ...answersJson(runList, 'One page.'),
      ...refuses({ 400: 'A value of the query is wrong; the message names it.' }),
    },
  },
} satisfies Partial<Descriptions>
