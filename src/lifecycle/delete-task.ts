import { DomainError } from '../contract/errors.ts'
import { taskDefinitionPrefix } from '../contract/storage-keys.ts'
import type { ImageRegistry } from '../import/registry/image-registry.ts'
import { failuresOf } from '../shared/failures-of.ts'
import type { TaskName } from '../task/task.ts'
import type { TaskRepository } from '../task/task-repository.ts'
import { type DeleteRunDependencies, deleteRun } from './delete-run.ts'

/** What the deletion of a task works with. */
export interface DeleteTaskDependencies extends DeleteRunDependencies {
  readonly registry: Pick<ImageRegistry, 'removeImage'>
  readonly tasks: TaskRepository
}

/** A call has half a minute, and each run takes a handful of requests. */
const RUNS_AT_ONCE = 10

/**
 * Removes a task with its runs, job definition, image and files. First nobody sees it or makes runs of it any more; a part that
 * cannot be removed keeps none of the others, but the record, which goes last: then the deletion can be repeated, the sweeper repeats
 * it, and the name stays taken until it is through.
 * @param onlyId deletes no other task, also when it has taken the name meanwhile
 * @throws DomainError INTERNAL_TASK_NOT_FOUND; AggregateError with what could not be removed
 */
export async function deleteTask(
  deps: DeleteTaskDependencies,
  name: TaskName,
  onlyId?: string,
): Promise<void> {
  const task = await deps.tasks.beginRemoval(name, onlyId)
  if (task === undefined) throw new DomainError('INTERNAL_TASK_NOT_FOUND')
  const { jobDefinitionArn, image } = task
  const failures: unknown[] = []

  const runIds = await deps.runs.listIdsByTask(task.id)
  const removals = runIds.map((runId) => () => deleteRun(deps, runId))
  failures.push(...(await failuresOf(removals, RUNS_AT_ONCE)))
  const parts = [
    async () => {
      if (jobDefinitionArn !== null) await deps.scheduler.deregisterDefinition(jobDefinitionArn)
    },
    () => deps.registry.removeImage(image.repository, image.tag),
    () => deps.objects.removeAll(taskDefinitionPrefix(task.id)),
  ]
  failures.push(...(await failuresOf(parts)))
  if (failures.length > 0) {
    throw new AggregateError(failures, `the deletion of task ${name.namespace} ${name.version} is unfinished`)
  }
  await deps.tasks.remove(task)
}
