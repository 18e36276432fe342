import type {
  BundleSource,
  Identity,
  ImageRegistry,
  JobScheduler,
  LogStore,
  ObjectStore,
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
  readonly bundles: BundleSource
  readonly objects: ObjectStore
  readonly registry: Pick<ImageRegistry, 'removeImage'>
  readonly scheduler: JobScheduler
  readonly workflow: RunWorkflow
  readonly logs: LogStore
  /** Between two looks at an import. */
  readonly pause: () => Promise<void>
}
