import type { ObjectStore } from '../../src/aws/object-store.ts'
import type { PartStore } from '../../src/aws/part-store.ts'
import type { ImageRegistry } from '../../src/import/registry/image-registry.ts'
import type { JobScheduler } from '../../src/run/job/job-scheduler.ts'
import type { LogStore } from '../../src/run/log-store.ts'
import type { RunRepository } from '../../src/run/run-repository.ts'
import type { RunWorkflow } from '../../src/run/run-workflow.ts'
import type { Identity } from '../../src/shared/identity.ts'
import type { Metrics } from '../../src/shared/metrics.ts'
import type { ReportProblem } from '../../src/shared/report-problem.ts'
import type { StoreRepository } from '../../src/store/store-repository.ts'
import type { TaskRepository } from '../../src/task/task-repository.ts'
import type { ImportRequests } from '../../src/upload/import-requests.ts'
import type { UploadRepository } from '../../src/upload/upload-repository.ts'

/** What the routes work with; tests pass in-memory adapters. */
export interface ApiDependencies {
  readonly identity: Identity
  readonly tasks: TaskRepository
  readonly runs: RunRepository
  readonly uploads: UploadRepository
  readonly stores: StoreRepository
  readonly requests: ImportRequests
  readonly objects: ObjectStore
  readonly parts: PartStore
  /** The same bucket with URLs signed for jobs, where they reach it at another address than clients. */
  readonly forJobs?: { readonly objects: ObjectStore; readonly parts: PartStore }
  readonly registry: Pick<ImageRegistry, 'removeImage'>
  readonly scheduler: JobScheduler
  readonly workflow: RunWorkflow
  readonly logs: LogStore
  readonly metrics: Metrics
  readonly report: ReportProblem
  /** Between two looks at an import. */
  readonly pause: () => Promise<void>
}
