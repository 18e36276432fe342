import { isUuid } from '../contract/uuid.ts'
import type { TaskSummary } from '../task/task.ts'
import type { TaskRepository } from '../task/task-repository.ts'
import type { RunRepository } from './run-repository.ts'
import type { RunRow } from './run-row.ts'
import type { RunState } from './transitions.ts'

interface Dependencies {
  readonly runs: RunRepository
  readonly tasks: TaskRepository
}

/** Filter of a list of runs. */
export interface RunFilter {
  /** Empty: any state. */
  readonly states: readonly RunState[]
  readonly taskId?: string
  /** Part of the task's name, of its namespace or of `namespace:version`, or the beginning of the run id. Case is ignored. */
  readonly text?: string
}

/** Row of a list with its task. */
export interface ListedRun {
  readonly row: RunRow
  readonly task: TaskSummary
}

interface ListedRuns {
  readonly runs: readonly ListedRun[]
  /** Position of the next page; absent on the last one. */
  readonly next?: string
}

/**
 * Returns one page of runs, newest first. As in {@link RunRepository.listPage}, a page with filters may be empty although a next
 * page exists. A complete run id as text finds its run directly.
 */
export async function listRuns(
  deps: Dependencies,
  { states, taskId, text = '' }: RunFilter,
  page: { readonly limit: number; readonly after?: string },
): Promise<ListedRuns> {
  const tasks = await tasksById(deps.tasks)
  const wanted = text.toLowerCase()
  const isTaskWanted = (task: TaskSummary): boolean => textsOf(task).some((one) => one.includes(wanted))
  const ofText = new Set([...tasks.values()].filter(isTaskWanted).map(({ id }) => id))
  const isWanted = ({ id, taskId: of, state }: RunRow): boolean =>
    tasks.has(of) &&
    (taskId === undefined || of === taskId) &&
    (states.length === 0 || states.includes(state)) &&
    (ofText.has(of) || id.startsWith(wanted))
  if (isUuid(wanted)) {
    return { runs: withTasks((await deps.runs.findRows([wanted])).filter(isWanted), tasks) }
  }
  // Nothing is read if the text can match neither a task nor a run id.
  if (ofText.size === 0 && !ID_START.test(wanted)) return { runs: [] }
  const query = { ...page, ...(taskId !== undefined && { taskId }), isWanted }
  const { rows, next } = await deps.runs.listPage(query)
  return { runs: withTasks(rows, tasks), ...(next !== undefined && { next }) }
}

/** The existing runs of these ids, newest first. */
export async function listNamedRuns(
  deps: Dependencies,
  runIds: readonly string[],
): Promise<readonly ListedRun[]> {
  const tasks = await tasksById(deps.tasks)
  return withTasks(await deps.runs.findRows(runIds.filter(isUuid)), tasks)
}

const ID_START = /^[0-9a-f-]{0,36}$/u

async function tasksById(tasks: TaskRepository): Promise<ReadonlyMap<string, TaskSummary>> {
  return new Map((await tasks.list()).map((task) => [task.id, task]))
}

/** Omits runs of a task that is being removed. */
function withTasks(rows: readonly RunRow[], tasks: ReadonlyMap<string, TaskSummary>): readonly ListedRun[] {
  return rows.flatMap((row) => {
    const task = tasks.get(row.taskId)
    return task === undefined ? [] : [{ row, task }]
  })
}

function textsOf({ name, namespace, version }: TaskSummary): readonly string[] {
  return [name, `${namespace}:${version}`].map((one) => one.toLowerCase())
}
