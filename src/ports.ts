import type { Readable } from 'node:stream'
import type { ErrorBody } from './domain/errors.ts'
import type { JobDefinition, JobOverrides } from './domain/job/job-definition.ts'
import type { InputValue, Provision, Run, RunFailure, RunJob } from './domain/run/run.ts'
import type { RunState } from './domain/run/transitions.ts'
import type { Store, TaskName } from './domain/store.ts'
import type { Task } from './domain/task/task.ts'

/*
 * What use cases need from outside. Each port has an AWS adapter, an in-memory adapter and one contract suite that runs
 * on both (test/contract). Adapters translate: no SDK or HTTP error crosses a port but as an unknown failure.
 */

/** Present time and new identifiers; fixed in tests. */
export interface Identity {
  now(): Date
  /** A random lower-case UUID. */
  uuid(): string
}

export interface NameReservation {
  readonly namespace: string
  readonly version: string
  /** The upload that imports this task; the same upload may reserve again. */
  readonly uploadId: string
}

/** Installed tasks. Reads are consistent: an answer shows every write that was answered before. */
export interface TaskRepository {
  /**
   * Keeps namespace + version free for one upload while its image is being pushed. A reservation older than
   * `leaseSeconds` may be taken over.
   * @throws DomainError INTERNAL_TASK_EXISTS when the name is taken or reserved by another upload.
   */
  reserveName(reservation: NameReservation & { readonly leaseSeconds: number }): Promise<void>
  /** Gives a reservation back; nothing happens when this upload holds none. */
  releaseName(reservation: NameReservation): Promise<void>
  /**
   * Makes the task visible by id, by name and in the listing, in one transaction.
   * Repeating it for the same task and upload is harmless.
   * @throws DomainError INTERNAL_TASK_EXISTS when the upload does not hold the reservation (any more).
   */
  publish(task: Task, uploadId: string): Promise<void>
  findById(taskId: string): Promise<Task | undefined>
  findByName(namespace: string, version: string): Promise<Task | undefined>
  /** All tasks, newest first. */
  list(): Promise<Task[]>
  /** Removes the task from id, name and listing; nothing happens when it is gone. */
  remove(task: Task): Promise<void>
}

/** A conditional change of a run's state. */
export interface RunTransition {
  readonly to: RunState
  /** Narrower than what the transition table allows, when given. */
  readonly from?: readonly RunState[]
  /** Set together with the state, in the same write. */
  readonly set?: {
    readonly job?: RunJob
    readonly failure?: RunFailure
    readonly outputsPrefix?: string
  }
  /** The change is refused unless the run's present job has this attempt. */
  readonly attempt?: number
}

/** Thrown by {@link RunRepository}: somebody else changed the run first, or the table forbids the step. */
export class RunStateConflictError extends Error {
  override readonly name = 'RunStateConflictError'
  /** The run as it is now; undefined when it does not exist. */
  readonly run: Run | undefined

  constructor(run: Run | undefined) {
    super(run === undefined ? 'the run does not exist' : `the run is ${run.state}`)
    this.run = run
  }
}

/** Runs and their inputs. Reads are consistent; every change is one conditional write. */
export interface RunRepository {
  create(run: Run): Promise<void>
  find(runId: string): Promise<Run | undefined>
  /** Runs of a task with their present state, newest first. */
  listByTask(taskId: string): Promise<Run[]>
  /**
   * Changes the state by one conditional write (the transition table is the condition) and `updatedAt`.
   * @returns the run after the change.
   * @throws RunStateConflictError
   */
  transition(runId: string, transition: RunTransition): Promise<Run>
  /**
   * Points a parameter at a stored value, or marks it cleared; only while inputs may change. The value must be stored before.
   * @returns the run after the change, with the provisions of all parallel calls that were answered before.
   * @throws RunStateConflictError when the run is not CREATED or PROVISIONED.
   */
  recordProvision(runId: string, parameterName: string, provision: Provision): Promise<Run>
  /**
   * Replaces the job facts without touching the state.
   * @throws RunStateConflictError when the run is final or gone, or (with `attempt`) another attempt is present.
   */
  recordJob(runId: string, job: RunJob, condition?: { readonly attempt: number | undefined }): Promise<Run>
  putInput(value: InputValue): Promise<void>
  findInput(runId: string, parameterName: string, valueId: string): Promise<InputValue | undefined>
  /** Those that the run's provisions point at, in no order. */
  listInputs(run: Run): Promise<InputValue[]>
  /** Active runs (QUEUING to RUNNING), at most `limit`, longest unchanged first. */
  listActive(limit: number): Promise<Run[]>
  /** Removes the run and its values; nothing happens when it is gone. */
  remove(run: Run): Promise<void>
}

export type UploadState = 'CREATED' | 'VALIDATING' | 'PUSHING' | 'READY' | 'FAILED'

/** A bundle on its way in, and how its import goes. */
export interface Upload {
  readonly id: string
  /** Bucket key under `uploads/`. */
  readonly key: string
  readonly state: UploadState
  /** Id of the task that a successful import makes. */
  readonly taskId: string
  /** Why the import was refused: the contract's error. */
  readonly error?: ErrorBody & { readonly status: number }
  readonly progress?: {
    readonly layers: number
    readonly layersDone: number
    readonly bytes: number
    readonly bytesDone: number
  }
  /** ISO-8601 UTC. While it lies in the future, one worker is at it. */
  readonly leaseUntil?: string
  /** The only task that the bundle may hold; any when absent. */
  readonly expected?: TaskName
  readonly createdAt: string
}

export interface UploadRepository {
  create(upload: Upload): Promise<void>
  find(uploadId: string): Promise<Upload | undefined>
  /**
   * Takes the upload for one worker until the lease ends.
   * @returns the upload, or undefined when it is READY, FAILED or in the hands of another worker.
   */
  claim(uploadId: string, leaseSeconds: number): Promise<Upload | undefined>
  /** Writes state, progress or error. The final states READY and FAILED are kept. */
  update(
    uploadId: string,
    change: Pick<Upload, 'state'> & Partial<Pick<Upload, 'error' | 'progress'>>,
  ): Promise<void>
}

/** App stores, at most one of them the default. Reads are consistent. */
export interface StoreRepository {
  /** In the order of creation. */
  list(): Promise<Store[]>
  /**
   * A new store is never the default.
   * @throws DomainError INTERNAL_INVALID_STORE_ALREADY_EXISTS when there is one with this name and host.
   */
  create(store: Omit<Store, 'isDefault'>): Promise<void>
  /** Nothing happens when it is gone; without the default store there is no default. */
  remove(storeId: string): Promise<void>
  /**
   * Switches the default in one step.
   * @throws DomainError INTERNAL_INVALID_STORE_NOT_FOUND, and the default is what it was.
   */
  makeDefault(storeId: string): Promise<void>
  findDefault(): Promise<Store | undefined>
}

/** Bundles that app stores offer. */
export interface BundleSource {
  /**
   * The bundle as it arrives. A stream that breaks off fails with the same error as a bundle that is not there.
   * @throws DomainError APPSTORE_DOWNLOAD_FAILED
   */
  open(url: URL): Promise<Readable>
}

/** Bytes from `start`, `length` of them. */
export interface ByteRange {
  readonly start: number
  readonly length: number
}

/** Headers that a presigned download answers with. */
export interface DownloadHeaders {
  readonly contentType: string
  /** Value of Content-Disposition. */
  readonly contentDisposition: string
}

/** The bucket. Keys as in docs/architecture.md. */
export interface ObjectStore {
  put(key: string, body: Uint8Array | string, contentType?: string): Promise<void>
  /**
   * Writes a stream of unknown length in parts of 16 MiB, four at a time at most (64 MiB of memory); nothing is left when the
   * stream fails.
   * @returns bytes written.
   */
  write(key: string, body: Readable, contentType?: string): Promise<number>
  /** The object's bytes as a stream, whole or a range; undefined when there is no such object. */
  read(key: string, range?: ByteRange): Promise<Readable | undefined>
  /** Size in bytes; undefined when there is no such object. */
  size(key: string): Promise<number | undefined>
  list(prefix: string): AsyncIterable<{ readonly key: string; readonly sizeBytes: number }>
  remove(key: string): Promise<void>
  /** Removes all objects below the prefix, page by page. */
  removeAll(prefix: string): Promise<void>
  presignRead(key: string, seconds: number, headers?: DownloadHeaders): Promise<string>
  /** URL for one PUT of at most 5 GB. */
  presignWrite(key: string, seconds: number): Promise<string>
}

/** Where task images go: a registry that speaks the OCI distribution protocol. */
export interface ImageRegistry {
  /** Makes the repository when it is missing. */
  ensureRepository(repository: string): Promise<void>
  hasBlob(repository: string, digest: string): Promise<boolean>
  /**
   * Sends one blob as it streams; its digest is computed on the way.
   * @returns digest and size of what was sent.
   * @throws DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED
   */
  pushBlob(
    repository: string,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly digest: string; readonly sizeBytes: number }>
  /** @returns the digest under which the manifest can be pulled. */
  pushManifest(repository: string, tag: string, manifest: Uint8Array, mediaType: string): Promise<string>
  /** Removes the tag, and with the last tag the image; nothing happens when it is gone. */
  removeImage(repository: string, tag: string): Promise<void>
  /** What a container engine pulls: `host/repository@digest`. */
  reference(repository: string, digest: string): string
}

/** AWS Batch, the part of it that is used. */
export interface JobScheduler {
  /** @returns the ARN of the new revision. */
  registerDefinition(definition: JobDefinition): Promise<string>
  /** Nothing happens when it is gone. */
  deregisterDefinition(arn: string): Promise<void>
  /** @throws JobThrottledError when Batch asks to slow down. */
  submit(job: {
    readonly jobName: string
    readonly jobDefinitionArn: string
    readonly overrides: JobOverrides
    readonly tags: Readonly<Record<string, string>>
  }): Promise<{ readonly jobId: string }>
  /** Ends the job in whatever state it is; nothing happens when it has ended. */
  terminate(jobId: string, reason: string): Promise<void>
}

/** Batch refused for its rate limits (50 calls a second an account): try again later. */
export class JobThrottledError extends Error {
  override readonly name = 'JobThrottledError'
}

/** Step Functions, one execution a run. */
export interface RunWorkflow {
  /** Starts the execution named after the run; a second call is harmless. */
  start(runId: string): Promise<void>
  /** Answers a task token; nothing happens when it was answered or timed out. */
  succeedToken(taskToken: string, output: unknown): Promise<void>
  failToken(taskToken: string, error: string, cause: string): Promise<void>
  /** Stops the run's execution; nothing happens when there is none or it has ended. */
  stop(runId: string, cause: string): Promise<void>
}

/** Logs of task containers. */
export interface LogStore {
  /** The stream's text, the newest `maxBytes` of it; empty when there is nothing (yet). */
  read(logStreamName: string, maxBytes: number): Promise<string>
}
