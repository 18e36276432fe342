import { DomainError } from '../contract/errors.ts'
import { taskDefinitionPrefix } from '../contract/storage-keys.ts'
import type { ImageRegistry } from '../import/registry/image-registry.ts'
import { executionNameOf } from '../run/set/run-set.ts'
import type { RunSetRepository } from '../run/set/run-set-repository.ts'
import type { RunSetWorkflow } from '../run/set/run-set-workflow.ts'
import { isActive } from '../run/transitions.ts'
import { failuresOf } from '../shared/failures-of.ts'
import type { Task, TaskName } from '../task/task.ts'
import type { TaskRepository } from '../task/task-repository.ts'
import { type DeleteRunDependencies, deleteListedRun, REASON } from './delete-run.ts'
import { endSetRemoval } from './remove-run-set.ts'
import { stopRun } from './stop-run.ts'

/** Ports of a task's deletion. */
export interface DeleteTaskDependencies extends DeleteRunDependencies {
  readonly registry: Pick<ImageRegistry, 'removeImage'>
  readonly sets: RunSetRepository
  readonly setWorkflow: Pick<RunSetWorkflow, 'stop'>
  readonly tasks: TaskRepository
}

/** Limits of one call. */
interface DeleteTaskOptions {
  /** Prevents the deletion of another task that has taken the name meanwhile. */
  readonly onlyId?: string
  /** Whether the call should start no more work. */
  readonly isTimeUp?: () => boolean
}

/** Maximum number of runs that are deleted concurrently; each takes about five requests. */
const RUNS_AT_ONCE = 16
/** Number of runs that one request reads. */
const RUNS_OF_A_READ = 100

/**
 * Removes a task with its runs, run sets, job definition, image and files. The task is hidden first, then its sets and runs; their files
 * follow. A run leaves the list of the task once its files are removed, so the next call continues where an interrupted one stopped.
 * The record is removed last: until then the name stays reserved, and the sweeper continues the deletion. A part that cannot be
 * removed does not stop the others.
 * @returns false when the time was up before the end
 * @throws DomainError INTERNAL_TASK_NOT_FOUND; AggregateError with the parts that could not be removed
 */
export async function deleteTask(
  deps: DeleteTaskDependencies,
  name: TaskName,
  { onlyId, isTimeUp = () => false }: DeleteTaskOptions = {},
): Promise<boolean> {
  const task = await deps.tasks.beginRemoval(name, onlyId)
  if (task === undefined) throw new DomainError('INTERNAL_TASK_NOT_FOUND')
  const setIds = await deps.sets.listIdsByTask(task.id)
  const runIds = await deps.runs.listIdsByTask(task.id)
  const steps: readonly (readonly (() => Promise<unknown>)[])[] = [
    setIds.map((setId) => () => hideSet(deps, setId)),
    inGroups(runIds).map((group) => () => hideRuns(deps, group, isTimeUp)),
    runIds.map((runId) => () => deleteListedRun(deps, runId, isTimeUp)),
    setIds.map((setId) => () => removeSet(deps, setId)),
    partsOf(deps, task),
  ]
  const failures: unknown[] = []
  for (const step of steps) {
    failures.push(...(await failuresOf(step.map(unless(isTimeUp)), RUNS_AT_ONCE)))
  }
  if (failures.length > 0) {
    throw new AggregateError(failures, `the deletion of task ${name.namespace} ${name.version} is unfinished`)
  }
  if (isTimeUp()) return false
  await deps.tasks.remove(task)
  return true
}

/** Makes a part do nothing when the time is up. */
function unless(isTimeUp: () => boolean) {
  return (part: () => Promise<unknown>) => async (): Promise<unknown> => (isTimeUp() ? undefined : part())
}

function partsOf(deps: DeleteTaskDependencies, { id, image, jobDefinitionArn }: Task) {
  return [
    async () => {
      if (jobDefinitionArn !== null) await deps.scheduler.deregisterDefinition(jobDefinitionArn)
    },
    () => deps.registry.removeImage(image.repository, image.tag),
    () => deps.objects.removeAll(taskDefinitionPrefix(id)),
  ]
}

function inGroups(runIds: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(runIds.length / RUNS_OF_A_READ)
  return Array.from({ length: count }, (_, index) =>
    runIds.slice(index * RUNS_OF_A_READ, (index + 1) * RUNS_OF_A_READ),
  )
}

/** Hides runs and ends active ones. This is cheaper than deleting them, so clients and queues see the end soon. */
async function hideRuns(
  deps: DeleteTaskDependencies,
  runIds: readonly string[],
  isTimeUp: () => boolean,
): Promise<void> {
  for (const { id } of await deps.runs.findAll(runIds)) {
    if (isTimeUp()) return
    const hidden = await deps.runs.beginRemoval(id)
    if (hidden !== undefined && isActive(hidden.state)) await stopRun(deps, hidden, REASON)
  }
}

async function hideSet({ report, sets, setWorkflow }: DeleteTaskDependencies, setId: string): Promise<void> {
  const runSet = await sets.find(setId)
  if (runSet === undefined) return
  await sets.beginRemoval(setId)
  try {
    await setWorkflow.stop(executionNameOf(runSet), REASON)
  } catch (error) {
    // An execution that continues finds neither its set nor its runs.
    report('workflow not stopped', { runId: setId }, error)
  }
}

async function removeSet(deps: DeleteTaskDependencies, setId: string): Promise<void> {
  const runSet = await deps.sets.findInRemoval(setId)
  if (runSet !== undefined) await endSetRemoval(deps, runSet)
}
