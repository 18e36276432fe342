import { describeJob, type JobSettings } from '../../domain/job/job-definition.ts'
import type { JobQueues } from '../../domain/job/job-queues.ts'
import { placeJob } from '../../domain/job/job-size.ts'
import type { Task, TaskDescriptor } from '../../domain/task/task.ts'
import type { ImageRegistry, JobScheduler } from '../../ports.ts'

interface RegisterJobDependencies {
  readonly registry: Pick<ImageRegistry, 'reference'>
  readonly scheduler: Pick<JobScheduler, 'registerDefinition' | 'deregisterDefinition'>
  readonly settings: { readonly job: JobSettings; readonly queues: JobQueues }
}

/**
 * Registers the task's job definition; a task that no machine can run gets the reason instead. Its name is the task's own, so
 * earlier revisions are what a worker left that died before it could say so: they go.
 */
export async function registerJob(
  { registry, scheduler, settings }: RegisterJobDependencies,
  task: TaskDescriptor & Pick<Task, 'id' | 'image'>,
  diskBytes: number,
): Promise<Pick<Task, 'jobDefinitionArn' | 'queue' | 'unschedulableReason'>> {
  const size = placeJob(task.resources, diskBytes, settings.queues)
  if ('unschedulable' in size) {
    return { jobDefinitionArn: null, queue: null, unschedulableReason: size.unschedulable }
  }
  const reference = registry.reference(task.image.repository, task.image.digest)
  const jobDefinitionArn = await scheduler.registerDefinition(
    describeJob(task, reference, size, settings.job),
  )
  for (const arn of earlierRevisions(jobDefinitionArn)) await scheduler.deregisterDefinition(arn)
  return { jobDefinitionArn, queue: size.queue, unschedulableReason: null }
}

/** Batch counts revisions from 1 and never gives a number twice. */
function earlierRevisions(arn: string): string[] {
  const { start = '', revision = '1' } = /^(?<start>.*:)(?<revision>[0-9]+)$/u.exec(arn)?.groups ?? {}
  return Array.from({ length: Number(revision) - 1 }, (_, index) => `${start}${index + 1}`)
}
