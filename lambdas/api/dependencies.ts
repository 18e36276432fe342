import type {
  Identity,
  ImageRegistry,
  ImportRequests,
  JobScheduler,
  LogStore,
  Metrics,
  ObjectStore,
  PartStore,
  ReportProblem,
  RunRepository,
  RunWorkflow,
  StoreRepository,
  TaskRepository,
  UploadRepository,
} from '../../src/ports.ts'

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
  readonly registry: Pick<ImageRegistry, 'removeImage'>
  readonly scheduler: JobScheduler
  readonly workflow: RunWorkflow
  readonly logs: LogStore
  readonly metrics: Metrics
  readonly report: ReportProblem
  /** Between two looks at an import. */
  readonly pause: () => Promise<void>
}
