import type { Readable } from 'node:stream'
import { DomainError, type ErrorBody } from './domain/errors.ts'
import type { JobDefinition, JobOverrides } from './domain/job/job-definition.ts'
import type { CountName, KindOf, MeasureName } from './domain/metrics.ts'
import type { JobUsage } from './domain/run/cost.ts'
import type { JobDetail } from './domain/run/job-outcome.ts'
import type { InputValue, Run, RunFailure, RunJob } from './domain/run/run.ts'
import type { RunState } from './domain/run/transitions.ts'
import type { Store, TaskName } from './domain/store.ts'
import type { DescriptorWarning } from './domain/task/descriptor-warnings.ts'
import type { Task, TaskSummary } from './domain/task/task.ts'

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
  /**
   * The task of a run that was found, also while the task is being removed: its removal hides the run by itself. A task never changes,
   * so this may come from memory.
   */
  findOfRun(taskId: string): Promise<Task | undefined>
  findByName(namespace: string, version: string): Promise<Task | undefined>
  /** All tasks, newest first. */
  list(): Promise<TaskSummary[]>
  /**
   * Takes the task out of sight: from now on it is found neither by id nor by name nor in the listing, and nobody makes a run of it;
   * its name stays taken until {@link remove}. May be repeated until then.
   * @param onlyId a task of this name with another id stays: it was uploaded after the one that is meant was removed
   * @returns the task, or undefined when there is none of this name.
   */
  beginRemoval(name: TaskName, onlyId?: string): Promise<Task | undefined>
  /**
   * Tasks whose removal was begun (or begun again) at `until` at the latest and is not through, longest ago first, at most `limit`.
   * The list lags behind by a moment.
   */
  listInRemoval(until: Date, limit: number): Promise<(TaskName & Pick<Task, 'id'>)[]>
  /** Whether the name is that of a task whose removal has begun and is not through. */
  isInRemoval(name: TaskName): Promise<boolean>
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
    readonly provisions?: Run['provisions']
  }
  /** The change is refused unless these are the provisions of the run: what was decided by them still holds. */
  readonly ifProvisions?: Run['provisions']
  /** The change is refused unless the run's present job has this attempt. */
  readonly attempt?: number
  /** The change is refused unless the run's job is exactly this. */
  readonly ifJob?: RunJob
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

/** A place in the order of active runs. */
export interface ActiveRunsPlace {
  readonly runId: string
  readonly updatedAt: string
}

export interface ActiveRunsPage {
  readonly runs: readonly Run[]
  /** Where the next page begins; absent on the last one. */
  readonly next?: ActiveRunsPlace
}

/** Runs and their inputs. Reads are consistent; every change is one conditional write. */
export interface RunRepository {
  /** @throws DomainError INTERNAL_TASK_NOT_FOUND when the run's task is not there, or is being removed. */
  create(run: Run): Promise<void>
  find(runId: string): Promise<Run | undefined>
  /** Runs of a task with their present state, newest first. */
  listByTask(taskId: string): Promise<Run[]>
  /** Ids of all runs of a task, also of those that are being removed. */
  listIdsByTask(taskId: string): Promise<string[]>
  /**
   * Changes the state by one conditional write (the transition table is the condition) and `updatedAt`.
   * @returns the run after the change.
   * @throws RunStateConflictError
   */
  transition(runId: string, transition: RunTransition): Promise<Run>
  /**
   * Points parameters (or items of arrays) at stored values, or marks them cleared, all in one write; only while inputs may change.
   * The values must be stored before.
   * @returns the run after the change, with the provisions of all parallel calls that were answered before.
   * @throws RunStateConflictError when the run is not CREATED or PROVISIONED.
   */
  recordProvisions(runId: string, provisions: Run['provisions']): Promise<Run>
  /**
   * Exchanges all provisions for others that say the same in another way.
   * @returns the run after the change.
   * @throws RunStateConflictError when they are not `from` (any more), or the run is not CREATED or PROVISIONED.
   */
  replaceProvisions(
    runId: string,
    provisions: { readonly from: Run['provisions']; readonly to: Run['provisions'] },
  ): Promise<Run>
  /**
   * Replaces the job facts without touching the state.
   * @throws RunStateConflictError when the run is final or gone, or the present job is not the one of the condition: has
   * another attempt, or is not exactly `ifJob`.
   */
  recordJob(
    runId: string,
    job: RunJob,
    condition?: { readonly attempt: number | undefined } | { readonly ifJob: RunJob | undefined },
  ): Promise<Run>
  /**
   * Adds what its job took to a run that ended before its job did; nothing else of the run changes.
   * @returns false, and nothing changes, when it is known, or the run goes on, is gone, or has another attempt.
   */
  recordUsage(runId: string, attempt: number, usage: JobUsage): Promise<boolean>
  putInput(value: InputValue): Promise<void>
  findInput(runId: string, parameterName: string, valueId: string): Promise<InputValue | undefined>
  /** Nothing happens when it is gone. */
  removeInput(value: Pick<InputValue, 'runId' | 'parameterName' | 'valueId'>): Promise<void>
  /** Those that the run's provisions point at, in no order. */
  listInputs(run: Run): Promise<InputValue[]>
  /**
   * Active runs (QUEUING to RUNNING), longest unchanged first, in pages of at most `limit`. The order is not consistent: a run
   * that changes meanwhile may come twice, or not yet.
   */
  listActive(limit: number, after?: ActiveRunsPlace): Promise<ActiveRunsPage>
  /**
   * Takes the run out of sight: from now on it does not exist for any other method but {@link listIdsByTask},
   * {@link listInRemoval} and {@link remove}. May be repeated until then.
   * @returns the run as it was, but for `updatedAt`; undefined when there is none.
   */
  beginRemoval(runId: string): Promise<Run | undefined>
  /**
   * Ids of runs whose removal was begun (or begun again) at `until` at the latest and is not through, longest ago first, at most
   * `limit`. The list lags behind by a moment.
   */
  listInRemoval(until: Date, limit: number): Promise<string[]>
  /** Removes the run and its values; nothing happens when it is gone. */
  remove(run: Run): Promise<void>
}

export type UploadState = 'CREATED' | 'VALIDATING' | 'PUSHING' | 'READY' | 'FAILED'

/** A bundle or an input file on its way in, and how the bundle's import goes. */
export interface Upload {
  readonly id: string
  /** Bucket key under `uploads/`. */
  readonly key: string
  /** Which write of the object its import is for, in S3's words, when no call of ours announced it. */
  readonly sequencer?: string
  /** A bundle is imported as soon as it is whole; an input file waits for a run that takes it. */
  readonly purpose: 'task' | 'input'
  /** As its client calls it; only shown. */
  readonly fileName?: string
  /** As announced while parts arrive, then as it is. */
  readonly sizeBytes?: number
  /** While parts may arrive: their S3 upload, and how large its client was told to make them. */
  readonly parts?: { readonly multipartId: string; readonly partSizeBytes: number }
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
  /** Workers that have taken it up since it last got on. */
  readonly attempts?: number
  /** ISO-8601 UTC, when the first of them began. */
  readonly triedSince?: string
  /** What the bundle's descriptor calls the task: under this name something may lie that an import which is given up takes back. */
  readonly name?: TaskName
  /** Where the importer has to get the bundle from before anything else, when it comes from an app store. */
  readonly source?: string
  /** Of the object that `name`, `layers` and `warnings` come from; another one may take its place between two workers. */
  readonly etag?: string
  /** What the registry has of the image already: a repeated import does not send it again. */
  readonly layers?: readonly ImportedLayer[]
  /** What of the bundle's descriptor has no effect; known before the upload is READY. */
  readonly warnings?: readonly DescriptorWarning[]
  /** The only task that the bundle may hold; any when absent. */
  readonly expected?: TaskName
  readonly createdAt: string
}

/** A file of an image archive that the registry has as a layer. */
export interface ImportedLayer {
  /** Its name and size in the archive. */
  readonly file: string
  readonly fileBytes: number
  /** `sha256:…` of its uncompressed tar, and the size of that. */
  readonly diffId: string
  readonly contentBytes: number
  /** What it has where the folders of a run are mounted, by path; absent in what versions before this one kept. */
  readonly mountPoints?: Readonly<Record<string, 'link' | 'file' | 'folder' | 'gone'>>
  /** As it lies in the registry. */
  readonly digest: string
  readonly sizeBytes: number
  readonly compression: 'none' | 'gzip' | 'zstd'
}

/** Uploads, each known for 30 days from its creation (src/domain/upload-limits.ts): after that none of the methods finds it. */
export interface UploadRepository {
  create(upload: Upload): Promise<void>
  find(uploadId: string): Promise<Upload | undefined>
  /**
   * No more parts arrive: takes `parts` away and writes the rest, whatever the importer made of the upload meanwhile.
   * @returns the upload after the change; undefined when it does not exist.
   */
  closeParts(
    uploadId: string,
    change: { readonly sizeBytes: number; readonly state?: 'READY' },
  ): Promise<Upload | undefined>
  /** @returns false, and the upload stays, while an import is at it; true also when it is gone. */
  remove(uploadId: string): Promise<boolean>
  /**
   * Takes the upload for one worker until the lease ends, and counts the attempt.
   * @returns the upload, or undefined when it is READY, FAILED or in the hands of another worker.
   */
  claim(uploadId: string, leaseSeconds: number): Promise<Upload | undefined>
  /**
   * Makes the lease that ends at `leaseUntil` end so many seconds from now.
   * @returns its new end, or undefined when the upload is over or in the hands of another worker.
   */
  extendLease(uploadId: string, leaseUntil: string, leaseSeconds: number): Promise<string | undefined>
  /**
   * Ends the lease that ends at `leaseUntil`: the upload is for whoever comes next. One that has got on (`hasAdvanced`) has all its
   * attempts before it again.
   * @returns false when the upload is over or in the hands of another worker.
   */
  giveBack(uploadId: string, leaseUntil: string, hasAdvanced: boolean): Promise<boolean>
  /** Writes what the importer finds out. The final states READY and FAILED are kept. */
  update(
    uploadId: string,
    change: Pick<Upload, 'state'> &
      Partial<
        Pick<
          Upload,
          'error' | 'progress' | 'layers' | 'name' | 'warnings' | 'etag' | 'attempts' | 'triedSince'
        >
      >,
  ): Promise<void>
  /**
   * Whole bundles whose import has not ended and that nobody has had in hand since `until`, longest ago first, at most `limit`:
   * their event was lost, or their worker died. The list lags behind by a moment.
   */
  listLeft(until: Date, limit: number): Promise<string[]>
  /**
   * Takes an upload that was left behind for one that somebody has in hand for so many seconds from now; it may be claimed.
   * @returns false when it is not left behind (any more).
   */
  postpone(uploadId: string, seconds: number): Promise<boolean>
}

/** Asks for imports that no arriving object starts. */
export interface ImportRequests {
  /** The importer will be called with this upload, once at least. */
  send(uploadId: string): Promise<void>
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

/** One version of an object. */
export interface ObjectVersion {
  readonly sizeBytes: number
  /** Entity tag; two objects under one key differ in it unless they have the same bytes. */
  readonly etag: string
}

/** Another object took the place of the version that a call named. */
export class ObjectExchangedError extends Error {
  override readonly name = 'ObjectExchangedError'

  constructor(key: string, options: { readonly cause?: unknown } = {}) {
    super(`object ${key} was exchanged while it was read`, options)
  }
}

/** Headers that a presigned download answers with. */
export interface DownloadHeaders {
  readonly contentType: string
  /** Value of Content-Disposition. */
  readonly contentDisposition: string
}

/** One part of an object that is arriving. */
export interface StoredPart {
  /** From 1. */
  readonly partNumber: number
  readonly sizeBytes: number
  /** What S3 knows these bytes by. */
  readonly etag: string
}

/** Objects that arrive in parts, each of them sent to a presigned URL. Nothing is visible under the key before the end. */
export interface PartStore {
  /** @returns the id under which the parts are kept together. */
  start(key: string, contentType?: string): Promise<string>
  /** URL for the PUT of one part, at most 5 GB; a part that is sent again replaces the one before. */
  presignPart(key: string, multipartId: string, partNumber: number, seconds: number): Promise<string>
  /** Parts that have arrived, ascending; undefined when they were put together, given up, or forgotten. */
  list(key: string, multipartId: string): Promise<readonly StoredPart[] | undefined>
  /**
   * Makes the object of these parts; all but the last have 5 MiB at least.
   * @returns false when the parts are not there (any more).
   */
  complete(key: string, multipartId: string, parts: readonly StoredPart[]): Promise<boolean>
  /** Forgets the parts; nothing happens when they are gone. */
  abort(key: string, multipartId: string): Promise<void>
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
  /**
   * The object's bytes as a stream, whole or a range; undefined when there is no such object.
   * @param etag of the only version that is meant; any when absent
   * @throws ObjectExchangedError
   */
  read(key: string, range?: ByteRange, etag?: string): Promise<Readable | undefined>
  /** Size in bytes; undefined when there is no such object. */
  size(key: string): Promise<number | undefined>
  /** The present version; undefined when there is no such object. */
  find(key: string): Promise<ObjectVersion | undefined>
  /**
   * Copies one version of an object within the bucket: its bytes do not come here, and a large one goes in many ranges at once.
   * @param etag of the version that is meant; the present one when absent
   * @returns its size; undefined when there is no such object.
   * @throws ObjectExchangedError
   */
  copy(from: string, to: string, etag?: string): Promise<number | undefined>
  list(prefix: string): AsyncIterable<{ readonly key: string; readonly sizeBytes: number }>
  remove(key: string): Promise<void>
  /** Removes all objects below the prefix, page by page. */
  removeAll(prefix: string): Promise<void>
  /** URL for a GET, or for a HEAD: a signature is for one method. */
  presignRead(
    key: string,
    seconds: number,
    headers?: DownloadHeaders,
    method?: 'GET' | 'HEAD',
  ): Promise<string>
  /** URL for one PUT of at most 5 GB. */
  presignWrite(key: string, seconds: number): Promise<string>
}

/** Where task images go: a registry that speaks the OCI distribution protocol. */
export interface ImageRegistry {
  /** Makes the repository when it is missing. */
  ensureRepository(repository: string): Promise<void>
  hasBlob(repository: string, digest: string): Promise<boolean>
  /**
   * Sends one blob as it streams; its digest is computed on the way. A small one (4 MiB) that is there already is not sent.
   * @returns digest and size of what was sent.
   * @throws RegistryUnavailableError when the blob may be sent again; DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED
   */
  pushBlob(
    repository: string,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly digest: string; readonly sizeBytes: number }>
  /**
   * Sends one blob whose digest and size are told beforehand. The registry compares them with what arrives, so that nobody
   * else needs to read the bytes for that. What the repository has, or the registry takes over from another one, is read and not sent.
   * @returns whether the bytes have this digest; if not, the registry keeps nothing of them.
   * @throws as {@link pushBlob}
   */
  pushNamedBlob(
    repository: string,
    blob: { readonly digest: string; readonly sizeBytes: number },
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<boolean>
  /** @returns the digest under which the manifest can be pulled. */
  pushManifest(repository: string, tag: string, manifest: Uint8Array, mediaType: string): Promise<string>
  /** Removes the tag, and with the last tag the image; nothing happens when it is gone. */
  removeImage(repository: string, tag: string): Promise<void>
  /** What a container engine pulls: `host/repository@digest`. */
  reference(repository: string, digest: string): string
}

/** The registry or the way to it failed in a manner that may pass: the same may be tried again. */
export class RegistryUnavailableError extends DomainError {
  constructor(description: string, options: { readonly cause?: unknown } = {}) {
    const details = { type: 'related', parameterName: 'image', description } as const
    super('REGISTRY_PUSHING_TASK_IMAGE_FAILED', details, options)
  }
}

/** AWS Batch, the part of it that is used. */
export interface JobScheduler {
  /** @returns the ARN of the new revision. */
  registerDefinition(definition: JobDefinition): Promise<string>
  /** Nothing happens when it is gone. */
  deregisterDefinition(arn: string): Promise<void>
  /** All revisions of this name that are there; a revision registered a moment ago may be missed. */
  deregisterDefinitions(jobDefinitionName: string): Promise<void>
  /**
   * @throws JobThrottledError when Batch asks to slow down, JobRefusedError when it will never take this job; after any other
   * error the job may have been submitted or not.
   */
  submit(job: {
    readonly jobName: string
    readonly jobQueueArn: string
    readonly jobDefinitionArn: string
    readonly overrides: JobOverrides
    readonly tags: Readonly<Record<string, string>>
  }): Promise<{ readonly jobId: string }>
  /** Ends the job in whatever state it is; nothing happens when it has ended. */
  terminate(jobId: string, reason: string): Promise<void>
  /** Those of the jobs that Batch still knows, in no order. */
  describe(jobIds: readonly string[]): Promise<JobDetail[]>
  /**
   * The newest job of this name, in whatever state it is.
   * @throws JobThrottledError
   */
  findByName(jobName: string): Promise<JobDetail | undefined>
  /** Jobs that have not ended; one that changes its state meanwhile may come twice or not at all. */
  listLive(): AsyncIterable<LiveJob>
}

/** A job that takes or waits for a machine. */
export interface LiveJob {
  readonly jobId: string
  readonly jobName: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** Batch refused for its rate limits (50 calls a second an account): try again later. */
export class JobThrottledError extends Error {
  override readonly name = 'JobThrottledError'
}

/** Batch refused the job itself: trying again would change nothing. */
export class JobRefusedError extends Error {
  override readonly name = 'JobRefusedError'
}

/** Step Functions, one execution a run. */
export interface RunWorkflow {
  /**
   * Starts the execution named after the run; a second call is harmless.
   * @throws WorkflowUnavailableError
   */
  start(runId: string): Promise<void>
  /** Answers a task token; nothing happens when it was answered or timed out. */
  succeedToken(taskToken: string, output: unknown): Promise<void>
  failToken(taskToken: string, error: string, cause: string): Promise<void>
  /** Stops the run's execution; nothing happens when there is none or it has ended. */
  stop(runId: string, cause: string): Promise<void>
  /** How the run's execution stands, `RUNNING` or an end in the words of Step Functions; undefined when there is none. */
  findStatus(runId: string): Promise<string | undefined>
  /** Runs whose executions go on, in no order; one that has just been started may be missing. */
  listRunning(): AsyncIterable<string>
}

/** Step Functions did not answer, or asked to slow down: what was asked for may have been done or not, and may be asked for again. */
export class WorkflowUnavailableError extends Error {
  override readonly name = 'WorkflowUnavailableError'
}

/** Reports to the operators' log what went wrong without failing the call, because a later sweep makes up for it. */
export type ReportProblem = (problem: string, about: { readonly runId: string }, error: unknown) => void

/** Logs of task containers. */
export interface LogStore {
  /** The stream's text, the newest `maxBytes` of it; empty when there is nothing (yet). */
  read(logStreamName: string, maxBytes: number): Promise<string>
  /** Removes the stream; nothing happens when it is gone. */
  remove(logStreamName: string): Promise<void>
}

/** Figures of this installation, by the names of src/domain/metrics.ts. Neither method fails or waits. */
export interface Metrics {
  /** One more of this kind. What `about` says stands in the log beside the figure and can be searched for. */
  count<Name extends CountName>(
    name: Name,
    kind: KindOf<Name>,
    about?: Readonly<Record<string, string>>,
  ): void
  observe(name: MeasureName, value: number): void
}
