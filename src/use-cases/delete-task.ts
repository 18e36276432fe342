import { taskDefinitionPrefix } from '../domain/storage-keys.ts'
import type { Task } from '../domain/task/task.ts'
import type {
  ImageRegistry,
  JobScheduler,
  ObjectStore,
  RunRepository,
  RunWorkflow,
  TaskRepository,
} from '../ports.ts'
import { deleteRun } from './delete-run.ts'

/**
 * Removes a task with its runs, job definition, image and files. The record goes last, so that an unfinished deletion can be
 * repeated; then namespace and version are free again.
 */
export async function deleteTask(
  deps: {
    readonly objects: ObjectStore
    readonly registry: Pick<ImageRegistry, 'removeImage'>
    readonly runs: RunRepository
    readonly scheduler: JobScheduler
    readonly tasks: TaskRepository
    readonly workflow: RunWorkflow
  },
  task: Task,
): Promise<void> {
  for (const run of await deps.runs.listByTask(task.id)) await deleteRun(deps, run.id)
  if (task.jobDefinitionArn !== null) await deps.scheduler.deregisterDefinition(task.jobDefinitionArn)
  await deps.registry.removeImage(task.image.repository, task.image.tag)
  await deps.objects.removeAll(taskDefinitionPrefix(task.id))
  await deps.tasks.remove(task)
}
