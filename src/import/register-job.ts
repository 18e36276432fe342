import type { JobQueues } from '../contract/job-queues.ts'
import { describeJob, type JobSettings, jobDefinitionName } from '../run/job/job-definition.ts'
import type { JobScheduler } from '../run/job/job-scheduler.ts'
import { type ImageSize, placeJob } from '../run/job/job-size.ts'
import type { Task, TaskDescriptor } from '../task/task.ts'
import type { ImageRegistry } from './registry/image-registry.ts'

interface RegisterJobDependencies {
  readonly registry: Pick<ImageRegistry, 'reference'>
  readonly scheduler: Pick<JobScheduler, 'registerDefinition' | 'deregisterDefinitions'>
  readonly settings: { readonly job: JobSettings; readonly queues: JobQueues }
}

interface RegisterJobOptions {
  readonly imageSize: ImageSize
  /** An earlier worker may have registered a definition. */
  readonly isResumed: boolean
}

/**
 * Registers the task's job definition, or returns the reason why no machine can run the task. Earlier revisions of the
 * name were left by crashed workers and are deregistered.
 */
export async function registerJob(
  { registry, scheduler, settings }: RegisterJobDependencies,
  task: TaskDescriptor & Pick<Task, 'id' | 'image'>,
  { imageSize, isResumed }: RegisterJobOptions,
): Promise<Pick<Task, 'jobDefinitionArn' | 'queue' | 'unschedulableReason'>> {
  const { job, queues } = settings
  if (isResumed) await scheduler.deregisterDefinitions(jobDefinitionName(job, task.id))
  const size = placeJob(task.resources, imageSize, queues)
  if ('unschedulable' in size) {
    return { jobDefinitionArn: null, queue: null, unschedulableReason: size.unschedulable }
  }
  const reference = registry.reference(task.image.repository, task.image.digest)
  const jobDefinitionArn = await scheduler.registerDefinition(describeJob(task, reference, size, job))
  return { jobDefinitionArn, queue: size.queue, unschedulableReason: null }
}
