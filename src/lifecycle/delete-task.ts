import { DomainError } from '../contract/errors.ts'
import { runSetPrefixes, taskDefinitionPrefix } from '../contract/storage-keys.ts'
import type { ImageRegistry } from '../import/registry/image-registry.ts'
import type { RunSetRepository } from '../run/set/run-set-repository.ts'
import { failuresOf } from '../shared/failures-of.ts'
import type { TaskName } from '../task/task.ts'
import type { TaskRepository } from '../task/task-repository.ts'
import { type DeleteRunDependencies, deleteRun } from './delete-run.ts'

/** Ports of a task's deletion. */
export interface DeleteTaskDependencies extends DeleteRunDependencies {
  readonly registry: Pick<ImageRegistry, 'removeImage'>
  readonly sets: RunSetRepository
  readonly tasks: TaskRepository
}

/** A call has 29 s, and each run takes about five requests. */
const RUNS_AT_ONCE = 10

/**
 * Removes a task with its runs, job definition, image and files. It is hidden first. A part that cannot be removed does
 * not stop the others, but the record is removed last: until then the name stays reserved, and the sweeper repeats the
 * deletion.
 * @param onlyId prevents the deletion of another task that has taken the name meanwhile
 * @throws DomainError INTERNAL_TASK_NOT_FOUND; AggregateError with the parts that could not be removed
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
  for (const setId of await deps.sets.listIdsByTask(task.id)) {
    failures.push(...(await failuresOf([() => removeRunSet(deps, setId)])))
  }
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

/**
 * Removes the record and the files of a set whose runs are deleted. Its workflow ends because the task does not exist any more.
 */
async function removeRunSet({ objects, sets }: DeleteTaskDependencies, setId: string): Promise<void> {
  const runSet = await sets.beginRemoval(setId)
  for (const prefix of runSetPrefixes(setId)) await objects.removeAll(prefix)
  if (runSet !== undefined) await sets.remove(runSet)
}
