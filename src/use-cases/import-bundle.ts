import { DomainError } from '../domain/errors.ts'
import type { JobSettings } from '../domain/job/job-definition.ts'
import type { JobQueues } from '../domain/job/job-queues.ts'
import { descriptorKey, logoKey, taskDefinitionPrefix } from '../domain/storage-keys.ts'
import { imageName } from '../domain/task/image-name.ts'
import { descriptorError, parseTaskDescriptor } from '../domain/task/parse-task-descriptor.ts'
import type { TaskDescriptor, TaskImage } from '../domain/task/task.ts'
import type {
  BundleSource,
  Identity,
  ImageRegistry,
  ImportRequests,
  JobScheduler,
  Metrics,
  NameReservation,
  ObjectStore,
  TaskRepository,
  Upload,
  UploadRepository,
} from '../ports.ts'
import { isUuid } from './find-run.ts'
import { fetchBundle } from './import/fetch-bundle.ts'
import { asImageRefusal, asRefusal, refusal } from './import/import-refusal.ts'
import { holdLease, LEASE_SECONDS, type Lease, LeaseLostError, TimeIsUpError } from './import/lease.ts'
import {
  type Bundle,
  decodeDescriptor,
  documentedTag,
  findImageEntry,
  openBundle,
  readLogo,
} from './import/open-bundle.ts'
import type { Pause } from './import/outage.ts'
import { pushImage } from './import/push-image.ts'
import { registerJob } from './import/register-job.ts'

/** What an import works with. */
export interface ImportBundleDependencies {
  readonly identity: Identity
  readonly uploads: UploadRepository
  readonly tasks: TaskRepository
  readonly objects: ObjectStore
  readonly bundles: BundleSource
  readonly registry: ImageRegistry
  readonly scheduler: JobScheduler
  readonly requests: ImportRequests
  readonly metrics: Metrics
  /** Calls again and again, this many seconds apart, until the returned function is called. */
  readonly repeat: (seconds: number, work: () => Promise<void>) => () => void
  readonly pause: Pause
  readonly settings: {
    /** First part of the repositories of task images. */
    readonly repositoryPrefix: string
    /** Memory of a task that does not ask for any. */
    readonly defaultRamBytes: number
    readonly job: JobSettings
    readonly queues: JobQueues
  }
}

interface ImportBundleInput {
  readonly uploadId: string
  /** Where the bundle lies, when an object that arrived starts the import: it may have no upload item yet. */
  readonly key?: string
  /** How much longer this worker may live; for ever when absent. */
  readonly timeLeftMs?: () => number
}

/** Between asking for a continuation and its beginning, the name stays ours: events may be late. */
const CONTINUATION_SECONDS = 900

/** One import in the hands of one worker. */
interface ImportWork {
  readonly upload: Upload
  readonly lease: Lease
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Steps to take back when the import fails, in the order they were taken. */
  readonly undo: (() => Promise<void>)[]
  /** Whether a further worker would find more done than this one did. */
  hasAdvanced: boolean
  /** What the task will be called, as soon as it is known and ours. */
  name?: NameReservation
}

/**
 * Makes a task of a bundle: image into the registry, job definition, files, record. Either all of it is there at the end, or
 * nothing, and the upload says which. May be repeated after a crash, goes on in a further call when its time is up, and does
 * nothing after the end. Holds some 100 MiB, whatever the size of the bundle.
 * @throws Error while another worker holds the upload; failures of the system (refusals of the bundle only go into the upload),
 * after the upload was marked FAILED, so that they get logged.
 */
export async function importBundle(deps: ImportBundleDependencies, input: ImportBundleInput): Promise<void> {
  const upload = await claimUpload(deps, input)
  if (upload === undefined) return await leaveToOther(deps, input.uploadId)
  const claim = { uploadId: upload.id, leaseUntil: upload.leaseUntil ?? '' }
  const lease = holdLease(deps, claim, input.timeLeftMs ?? (() => Number.POSITIVE_INFINITY))
  const startedAt = deps.identity.now().getTime()
  const work: ImportWork = { upload, lease, startedAt, undo: [], hasAdvanced: false }
  try {
    await carryOut(deps, work)
  } finally {
    lease.stop()
  }
}

async function carryOut(deps: ImportBundleDependencies, work: ImportWork): Promise<void> {
  const { upload } = work
  try {
    // A worker that died right after publishing leaves only the last steps to do.
    if (!(await isPublished(deps, upload))) await install(deps, work)
  } catch (error) {
    if (error instanceof LeaseLostError) throw error
    if (error instanceof TimeIsUpError && work.hasAdvanced) return await askForContinuation(deps, work)
    if (!(await isPublished(deps, upload))) return await giveUp(deps, work, asRefusal(error))
    // The record was written although its answer got lost.
  }
  await deps.uploads.update(upload.id, { state: 'READY' })
  await tellImported(deps, work)
  await deps.objects.remove(upload.key)
}

/** An upload is in the hands of one worker, so this is told once; of a worker that died right before, never. */
async function tellImported(
  { identity, metrics, objects }: ImportBundleDependencies,
  { upload, startedAt }: ImportWork,
): Promise<void> {
  metrics.count('Imports', 'ready', { uploadId: upload.id, taskId: upload.taskId })
  metrics.observe('ImportSeconds', (identity.now().getTime() - startedAt) / 1000)
  const sizeBytes = await objects.size(upload.key).catch(() => undefined)
  if (sizeBytes !== undefined) metrics.observe('ImportedBytes', sizeBytes)
}

/**
 * The upload could not be claimed. Over: nothing to do. Else another worker is at it, or died at it: then this delivery must not
 * pass for done, for nothing would come after it.
 * @throws Error which has the event delivered again, and kept as a dead letter at last
 */
async function leaveToOther({ uploads }: ImportBundleDependencies, uploadId: string): Promise<void> {
  const upload = await uploads.find(uploadId)
  if (upload === undefined || upload.purpose === 'input') return
  if (upload.state === 'READY' || upload.state === 'FAILED') return
  throw new Error(`another worker holds upload ${uploadId} until ${upload.leaseUntil}`)
}

/**
 * Undefined when there is nothing to do here: files for a run are none of the importer's business, nor is an object that was removed
 * with its upload before the event of its arrival came.
 */
async function claimUpload(
  { identity, objects, uploads }: ImportBundleDependencies,
  { uploadId, key }: ImportBundleInput,
): Promise<Upload | undefined> {
  let upload = await uploads.find(uploadId)
  if (upload?.purpose === 'input') return undefined
  // The object goes when an import ends: one that is there was put under the same key again, mended perhaps.
  const isPutAgain =
    upload !== undefined &&
    (upload.state === 'FAILED' || upload.state === 'READY') &&
    key !== undefined &&
    !isUuid(uploadId) &&
    (await objects.size(key)) !== undefined
  if (isPutAgain && (await uploads.remove(uploadId))) upload = undefined
  if (upload === undefined) {
    if (key === undefined || (await objects.size(key)) === undefined) return undefined
    // Some S3 client put the object into the bucket.
    const createdAt = identity.now().toISOString()
    const taskId = identity.uuid()
    try {
      await uploads.create({ id: uploadId, key, purpose: 'task', state: 'CREATED', taskId, createdAt })
    } catch (error) {
      // Events may come twice: then the other worker made the item.
      if ((await uploads.find(uploadId)) === undefined) throw error
    }
  }
  return await uploads.claim(uploadId, LEASE_SECONDS)
}

async function isPublished({ tasks }: ImportBundleDependencies, upload: Upload): Promise<boolean> {
  return (await tasks.findById(upload.taskId)) !== undefined
}

async function install(deps: ImportBundleDependencies, work: ImportWork): Promise<void> {
  const { upload, lease, undo } = work
  undoEarlierWorkers(deps, work)
  await deps.uploads.update(upload.id, { state: 'VALIDATING' })
  if (await fetchBundle(deps, upload, lease.signal)) work.hasAdvanced = true
  const bundle = await openBundle(deps.objects, upload.key)
  const parsed = parseTaskDescriptor(decodeDescriptor(bundle.descriptor), {
    newId: () => deps.identity.uuid(),
    defaultRamBytes: deps.settings.defaultRamBytes,
  })
  if ('problems' in parsed) throw descriptorError(parsed.problems)
  const { descriptor } = parsed
  requireExpected(upload, descriptor)

  await reserveName(deps, upload, descriptor)
  work.name = reservationOf(upload, descriptor)
  lease.keepName(work.name)
  undo.push(() => deps.tasks.releaseName(reservationOf(upload, descriptor)))
  const logo = await readLogo(bundle.zip)
  const { image, diskBytes } = await installImage(deps, work, bundle, descriptor)

  await deps.objects.put(descriptorKey(upload.taskId), bundle.descriptor, 'application/yaml')
  if (logo !== undefined) await deps.objects.put(logoKey(upload.taskId), logo, 'image/png')

  const task = { ...descriptor, id: upload.taskId, image, hasLogo: logo !== undefined }
  const job = await registerJob(deps, task, diskBytes)
  const arn = job.jobDefinitionArn
  if (arn !== null) {
    undo.push(() => deps.scheduler.deregisterDefinition(arn))
    await deps.uploads.update(upload.id, { state: 'PUSHING', jobDefinitionArn: arn })
  }
  await lease.assertHeld()
  await deps.tasks.publish({ ...task, ...job, createdAt: deps.identity.now().toISOString() }, upload.id)
}

/** What a worker that died may have left is taken back like this worker's own steps. */
function undoEarlierWorkers(
  { objects, scheduler }: ImportBundleDependencies,
  { upload, undo }: ImportWork,
): void {
  undo.push(() => objects.removeAll(taskDefinitionPrefix(upload.taskId)))
  const arn = upload.jobDefinitionArn
  if (arn !== undefined) undo.push(() => scheduler.deregisterDefinition(arn))
}

/** A store may have sent another task than the one that was asked for. */
function requireExpected({ expected }: Upload, { namespace, version }: TaskDescriptor): void {
  if (expected === undefined) return
  if (expected.namespace === namespace && expected.version === version) return
  throw refusal(
    'APPSTORE_DOWNLOAD_FAILED',
    'descriptor',
    `the bundle holds ${namespace} ${version} instead of ${expected.namespace} ${expected.version}`,
  )
}

function reservationOf(upload: Upload, { namespace, version }: TaskDescriptor) {
  return { namespace, version, uploadId: upload.id }
}

/** Takes the name, or keeps it for another lease. */
async function reserveName(
  { tasks }: ImportBundleDependencies,
  upload: Upload,
  descriptor: TaskDescriptor,
): Promise<void> {
  await tasks.reserveName({ ...reservationOf(upload, descriptor), leaseSeconds: LEASE_SECONDS })
}

async function installImage(
  deps: ImportBundleDependencies,
  work: ImportWork,
  { zip }: Bundle,
  descriptor: TaskDescriptor,
): Promise<{ readonly image: TaskImage; readonly diskBytes: number }> {
  const { upload, lease, undo } = work
  const { registry } = deps
  const { repository, tag } = imageName(
    deps.settings.repositoryPrefix,
    descriptor.namespace,
    descriptor.version,
  )
  await registry.ensureRepository(repository)
  // Already now: an earlier worker may have pushed it and died.
  undo.push(async () => {
    if (await ownsName(deps, upload, descriptor)) await registry.removeImage(repository, tag)
  })
  const known = upload.layers ?? []
  const { manifest, diskBytes } = await pushImage({
    registry,
    repository,
    zip,
    entry: findImageEntry(zip, descriptor),
    wantedTag: documentedTag(descriptor),
    known,
    record: async (facts) => {
      await deps.uploads.update(upload.id, { state: 'PUSHING', ...facts })
      if (facts.layers.length > known.length) work.hasAdvanced = true
    },
    pause: deps.pause,
    signal: lease.signal,
  }).catch((error: unknown) => {
    throw asImageRefusal(error)
  })
  // The tag belongs to whom the name belongs to.
  await lease.assertHeld()
  await reserveName(deps, upload, descriptor)
  const digest = await registry.pushManifest(repository, tag, manifest.bytes, manifest.mediaType)
  return { image: { repository, tag, digest }, diskBytes }
}

/** Leaves the rest to a further call, which finds what this one has done. */
async function askForContinuation(
  { requests, tasks }: ImportBundleDependencies,
  { upload, lease, name }: ImportWork,
): Promise<void> {
  if (name !== undefined) await tasks.reserveName({ ...name, leaseSeconds: CONTINUATION_SECONDS })
  lease.stop()
  await lease.giveBack()
  await requests.send(upload.id)
}

/** False when another import took the name over: the image under it is not ours to remove. */
async function ownsName(
  deps: ImportBundleDependencies,
  upload: Upload,
  descriptor: TaskDescriptor,
): Promise<boolean> {
  try {
    await reserveName(deps, upload, descriptor)
    return true
  } catch (error) {
    if (error instanceof DomainError && error.error === 'INTERNAL_TASK_EXISTS') return false
    throw error
  }
}

/**
 * Takes back every step, the last one first, and the bundle, and records why; a step that fails does not keep the others from
 * theirs.
 * @throws what an operator should see: failures of the system, not refusals of the bundle.
 */
async function giveUp(deps: ImportBundleDependencies, work: ImportWork, error: unknown): Promise<void> {
  const { upload, lease, undo } = work
  await lease.assertHeld()
  const cause = error instanceof TimeIsUpError ? tooLarge() : error
  const isRefusal = cause instanceof DomainError && cause.status < 500
  const failures: unknown[] = isRefusal ? [] : [cause]
  for (const step of undo.toReversed()) {
    await step().catch((failure: unknown) => failures.push(failure))
  }
  const told =
    cause instanceof DomainError
      ? cause
      : new DomainError('INTERNAL_SERVER_ERROR', { type: 'server', exceptionMessage: null })
  await deps.uploads.update(upload.id, { state: 'FAILED', error: { ...told.body, status: told.status } })
  deps.metrics.count('Imports', isRefusal ? 'refused' : 'engine-error', { uploadId: upload.id })
  await deps.objects.remove(upload.key).catch((failure: unknown) => failures.push(failure))
  if (failures.length > 1) throw new AggregateError(failures, `the import of upload ${upload.id} failed`)
  if (failures.length === 1) throw failures[0]
}

/** A whole call was not enough for one layer, nor would the next be. */
function tooLarge(): DomainError {
  return refusal(
    'INTERNAL_UNKNOWN_BUNDLE_ARCHIVE_FORAMT',
    'image',
    'the image has a layer that cannot be read and sent within 15 minutes: make smaller layers of it (fewer files in each COPY or RUN)',
  )
}
