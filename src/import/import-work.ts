import type { ObjectStore } from '../aws/object-store.ts'
import type { JobQueues } from '../contract/job-queues.ts'
import type { JobSettings } from '../run/job/job-definition.ts'
import type { JobScheduler } from '../run/job/job-scheduler.ts'
import type { Identity } from '../shared/identity.ts'
import type { Metrics } from '../shared/metrics-port.ts'
import type { Pause } from '../shared/retry.ts'
import type { TaskName } from '../task/task.ts'
import type { TaskRepository } from '../task/task-repository.ts'
import type { ImportRequests } from '../upload/import-requests.ts'
import type { LayerRepository } from '../upload/published-layer.ts'
import type { Upload } from '../upload/upload.ts'
import type { UploadRepository } from '../upload/upload-repository.ts'
import type { BundleSource } from './bundle-source.ts'
import { LEASE_SECONDS, type Lease } from './lease.ts'
import type { ImageRegistry } from './registry/image-registry.ts'

/** Ports and settings of the importer. */
export interface ImportBundleDependencies {
  readonly identity: Identity
  readonly uploads: UploadRepository
  readonly tasks: TaskRepository
  readonly layers: LayerRepository
  readonly objects: ObjectStore
  readonly bundles: BundleSource
  readonly registry: ImageRegistry
  readonly scheduler: JobScheduler
  readonly requests: ImportRequests
  readonly metrics: Metrics
  /** Calls `work` at this interval until the returned function is called. */
  readonly repeat: (seconds: number, work: () => Promise<void>) => () => void
  readonly pause: Pause
  readonly settings: {
    /** First segment of the repositories of task images. */
    readonly repositoryPrefix: string
    /** Memory of a task whose descriptor requests none. */
    readonly defaultRamBytes: number
    readonly job: JobSettings
    readonly queues: JobQueues
  }
}

/** One import by one worker. */
export interface ImportWork {
  readonly upload: Upload
  readonly lease: Lease
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Steps that undo the import when it fails; run last first. */
  readonly undo: (() => Promise<void>)[]
  /** ETag of the bundle that this worker reads, once it was found. */
  etag?: string
  /** Whether this worker made progress from which the next worker can continue. */
  hasAdvanced: boolean
}

/** Whether the object under the upload's key was replaced since this worker found it. */
export async function isBundleExchanged(
  { objects }: Pick<ImportBundleDependencies, 'objects'>,
  { upload, etag }: ImportWork,
): Promise<boolean> {
  if (etag === undefined) return false
  const present = await objects.find(upload.key)
  return present !== undefined && present.etag !== etag
}

/** Whether the task was published, by this worker or an earlier one. */
export async function isPublished(
  { tasks }: Pick<ImportBundleDependencies, 'tasks'>,
  upload: Upload,
): Promise<boolean> {
  return (await tasks.findById(upload.taskId)) !== undefined
}

/**
 * Reserves the name for an upload, or extends the reservation.
 * @throws DomainError INTERNAL_TASK_EXISTS when another upload or task has it
 */
export async function reserveName(
  { tasks }: Pick<ImportBundleDependencies, 'tasks'>,
  { id }: Upload,
  name: TaskName,
): Promise<void> {
  await tasks.reserveName({ ...name, uploadId: id, leaseSeconds: LEASE_SECONDS })
}
