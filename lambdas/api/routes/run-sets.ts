import type { Context } from 'hono'
import type * as z from 'zod'
import { DomainError } from '../../../src/contract/errors.ts'
import type { JsonValue } from '../../../src/contract/json.ts'
import { queryError } from '../../../src/contract/query-error.ts'
import { printable } from '../../../src/contract/quoted.ts'
import { DEFAULT_CONCURRENCY } from '../../../src/contract/run-set-limits.ts'
import { isUuid } from '../../../src/contract/uuid.ts'
import type { RunSet } from '../../../src/run/set/run-set.ts'
import { RUN_STATES } from '../../../src/run/transitions.ts'
import { type CreateRunSetDependencies, createRunSet } from '../../../src/run-set/create-run-set.ts'
import {
  countRunSet,
  describeCounted,
  describeRunSet,
  findCountedRunSet,
  findRunSet,
} from '../../../src/run-set/describe-run-set.ts'
import {
  cancelRunSet,
  deleteRunSet,
  type EndRunSetDependencies,
  retryRunSet,
} from '../../../src/run-set/end-run-set.ts'
import type { FileDependencies } from '../../../src/run-set/file-reference.ts'
import { listSetRuns } from '../../../src/run-set/list-set-runs.ts'
import { invalid } from '../../../src/run-set/row-table.ts'
import { writeSetArchive, writeSetTable } from '../../../src/run-set/set-downloads.ts'
import type { Task } from '../../../src/task/task.ts'
import { answerRedirect } from '../download.ts'
import { readJson } from '../json-body.ts'
import { cursorOf, cursorQuery, limitQuery, optionalQuery } from '../query.ts'
import type { Handlers, RequestContext } from '../route-table.ts'
import { viewListedRunSet, viewRunSet, viewSetRun } from '../run-set-views.ts'
import { newRunSetSchema } from './run-set-body.ts'

/** Ports and settings of these handlers. */
type Dependencies = CreateRunSetDependencies &
  EndRunSetDependencies &
  Pick<FileDependencies, 'runs' | 'tasks'> & {
    /** Whether runs of sets take the outputs of equal runs when the caller says nothing. */
    readonly reusesOutputs: boolean
  }

/** Position of a set in the list: its creation time and its id. */
const SET_PLACE = /^[\w:.-]{24}#[\da-f-]{36}$/u

/** Run sets, which extend the contract. */
export function runSetHandlers(deps: Dependencies) {
  return {
    async createRunSet(context) {
      const wanted = parseRequest(await readJson(context, 'RUN_SET_INVALID'))
      const task = await findTask(deps, wanted)
      const { shared = {}, rows, name, maxConcurrency = DEFAULT_CONCURRENCY } = wanted
      const { reuse = deps.reusesOutputs } = wanted
      const runSet = await createRunSet(deps, { task, shared, rows, name, maxConcurrency, reuse })
      return answerRunSet(context, deps, runSet, 201)
    },

    async listRunSets(context) {
      const { sets, next } = await deps.sets.list(limitQuery(context), cursorQuery(context, SET_PLACE))
      const content = await Promise.all(sets.map((runSet) => viewListed(deps, runSet)))
      return context.json({ content, ...(next !== undefined && { next: cursorOf(next) }) })
    },

    async getRunSet(context) {
      const counted = await findCountedRunSet(deps, context.req.param('id'))
      const [described, task] = await Promise.all([
        describeCounted(deps, counted),
        taskOf(deps, counted.runSet),
      ])
      return context.json(viewRunSet(described, task))
    },

    async deleteRunSet(context) {
      await deleteRunSet(deps, context.req.param('id'))
      return context.body(null, 200)
    },

    cancelRunSet: async (context) =>
      answerRunSet(context, deps, await cancelRunSet(deps, context.req.param('id'))),
    retryRunSet: async (context) =>
      answerRunSet(context, deps, await retryRunSet(deps, context.req.param('id'))),

    async listRunSetRuns(context) {
      const runSet = await findRunSet(deps, context.req.param('id'))
      const after = Number(cursorQuery(context, /^\d{1,5}$/u) ?? 0)
      const { content, next } = await listSetRuns(deps, runSet, {
        limit: limitQuery(context),
        after,
        state: stateQuery(context),
      })
      return context.json({
        content: content.map(viewSetRun),
        ...(next !== undefined && { next: cursorOf(String(next)) }),
      })
    },

    downloadRunSetTable: (context) =>
      answerMade(context, deps, {
        make: writeSetTable,
        contentType: 'text/csv; charset=utf-8',
        extension: 'csv',
      }),
    downloadRunSetArchive: (context) =>
      answerMade(context, deps, { make: writeSetArchive, contentType: 'application/zip', extension: 'zip' }),
  } satisfies Partial<Handlers>
}

async function answerRunSet(
  context: Context,
  deps: Dependencies,
  runSet: RunSet,
  status: 200 | 201 = 200,
): Promise<Response> {
  const [described, task] = await Promise.all([describeRunSet(deps, runSet), taskOf(deps, runSet)])
  return context.json(viewRunSet(described, task), status)
}

async function viewListed(deps: Dependencies, runSet: RunSet) {
  const [counted, task] = await Promise.all([countRunSet(deps, runSet), deps.tasks.findOfRun(runSet.taskId)])
  return viewListedRunSet(counted, task)
}

async function answerMade(
  context: RequestContext<'downloadRunSetTable' | 'downloadRunSetArchive'>,
  deps: Dependencies,
  {
    make,
    contentType,
    extension,
  }: {
    readonly make: typeof writeSetTable
    readonly contentType: string
    readonly extension: string
  },
): Promise<Response> {
  const runSet = await findRunSet(deps, context.req.param('id'))
  const key = await make(deps, { runSet, task: await taskOf(deps, runSet) })
  return answerRedirect(context, deps, key, { contentType, fileName: `outputs-${runSet.id}.${extension}` })
}

function parseRequest(body: JsonValue): z.infer<typeof newRunSetSchema> {
  const parsed = newRunSetSchema.safeParse(body)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the body'}: ${message}`,
  )
  const expected = 'expected {"task": {"namespace": …, "version": …}, "rows": [{"<parameter>": …}]}'
  throw invalid(`${printable(problems.join('; '), 400)}; ${expected}`)
}

/** @throws DomainError INTERNAL_TASK_NOT_FOUND; RUN_SET_INVALID unless exactly one is named */
async function findTask(
  { tasks }: Dependencies,
  { task, taskId }: z.infer<typeof newRunSetSchema>,
): Promise<Task> {
  if ((task === undefined) === (taskId === undefined)) throw invalid('expected either task or taskId')
  const found =
    task === undefined
      ? isUuid(taskId ?? '')
        ? await tasks.findById(taskId ?? '')
        : undefined
      : await tasks.findByName(task.namespace, task.version)
  if (found === undefined) throw new DomainError('INTERNAL_TASK_NOT_FOUND')
  return found
}

/** Finds the task of a set. It may be hidden already: its deletion deletes the set too. */
async function taskOf({ tasks }: Dependencies, { id, taskId }: RunSet): Promise<Task> {
  const task = await tasks.findOfRun(taskId)
  if (task !== undefined) return task
  throw new DomainError('RUN_SET_NOT_FOUND', undefined, { words: `the task of run set ${id} was deleted` })
}

/** @throws DomainError QUERY_INVALID */
function stateQuery(context: Context) {
  const text = optionalQuery(context, 'state')
  const state = RUN_STATES.find((one) => one === text)
  if (text !== undefined && state === undefined) {
    throw queryError('state', text, `expected one of ${RUN_STATES.join(', ')}`)
  }
  return state
}
