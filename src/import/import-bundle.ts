import { ObjectExchangedError } from '../aws/object-store.ts'
import { someOf } from '../contract/quoted.ts'
import { descriptorKey, logoKey } from '../contract/storage-keys.ts'
import { explainTooLargeImage, type ImageSize, largestDiskGib } from '../run/job/job-size.ts'
import {
  descriptorError,
  type ParsedDescriptor,
  parseTaskDescriptor,
} from '../task/descriptor/parse-task-descriptor.ts'
import type { TaskDescriptor, TaskImage, TaskName } from '../task/task.ts'
import type { PublishedLayer } from '../upload/published-layer.ts'
import type { Upload } from '../upload/upload.ts'
import { claimUpload, type ImportCall } from './claim-upload.ts'
import { endUnpublished, releaseName, requireRetriesLeft, undoEarlierWorkers } from './end-unpublished.ts'
import { fetchBundle } from './fetch-bundle.ts'
import { layerGone } from './image/find-image.ts'
import { imageName } from './image-name.ts'
import { asImageRefusal, asRefusal, refusal } from './import-refusal.ts'
import {
  type ImportBundleDependencies,
  type ImportWork,
  isBundleExchanged,
  isPublished,
  reserveName,
} from './import-work.ts'
import { holdLease, LeaseLostError } from './lease.ts'
import {
  type Bundle,
  decodeDescriptor,
  documentedTag,
  findBundle,
  findImageEntry,
  openBundle,
  readLogo,
} from './open-bundle.ts'
import { pushImage } from './push-image.ts'
import { registerJob } from './register-job.ts'
import { findHeldLayers, isAnyGone, publishedLayers } from './reuse-layers.ts'

/** Maximum number of layer names in a message. */
const NAMES_SHOWN = 3

interface ImportBundleInput extends ImportCall {
  /** Remaining time of this worker; unlimited when absent. */
  readonly timeLeftMs?: () => number
}

/**
 * Imports a bundle as a task: image into the registry, job definition, files, record. At the end all of it exists, or
 * nothing, and the upload records which. Idempotent: it continues after a crash or when its time was up, and does
 * nothing when the import has ended or another worker holds the lease. The sweeper restarts imports whose worker died
 * (sweep-imports.ts). Memory: about 100 MiB, whatever the bundle's size.
 * @throws ImportFailedError after the upload was marked FAILED for a failure of the system; any other error means that
 * the import is to be retried. A refused bundle is recorded in the upload, without an error.
 */
export async function importBundle(deps: ImportBundleDependencies, input: ImportBundleInput): Promise<void> {
  const upload = await claimUpload(deps, input)
  if (upload === undefined) return
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
    // After a worker that crashed once it had published, only the last steps remain.
    if (!(await isPublished(deps, upload))) await install(deps, work)
  } catch (error) {
    if (error instanceof LeaseLostError) throw error
    if (!(await isPublished(deps, upload))) return await endUnpublished(deps, work, asRefusal(error))
    // The record was written, but the response was lost.
  }
  await deps.uploads.update(upload.id, { state: 'READY' })
  await reportImported(deps, work)
  await deps.objects.remove(upload.key)
}

/** Reports the metrics of a successful import: once, or never when the worker crashed before. */
async function reportImported(
  { identity, metrics, objects }: ImportBundleDependencies,
  { upload, startedAt }: ImportWork,
): Promise<void> {
  metrics.count('Imports', 'ready', { uploadId: upload.id, taskId: upload.taskId })
  metrics.observe('ImportSeconds', (identity.now().getTime() - startedAt) / 1000)
  const sizeBytes = await objects.size(upload.key).catch(() => undefined)
  if (sizeBytes !== undefined) metrics.observe('ImportedBytes', sizeBytes)
}

async function install(deps: ImportBundleDependencies, work: ImportWork): Promise<void> {
  const { upload, lease, undo } = work
  undoEarlierWorkers(deps, work)
  requireRetriesLeft(work)
  const isFirst = upload.attempts === 1 || upload.triedSince === undefined
  const triedSince = new Date(work.startedAt).toISOString()
  await deps.uploads.update(upload.id, { state: 'VALIDATING', ...(isFirst && { triedSince }) })
  if (await fetchBundle(deps, upload, lease.signal)) work.hasAdvanced = true
  const object = await findBundle(deps.objects, upload.key)
  work.etag = object.etag
  const bundle = await openBundle(object)
  const parsed = parseTaskDescriptor(decodeDescriptor(bundle.descriptor), {
    newId: () => deps.identity.uuid(),
    defaultRamBytes: deps.settings.defaultRamBytes,
  })
  if ('problems' in parsed) throw descriptorError(parsed.problems)
  const { descriptor } = parsed
  requireExpected(upload, descriptor)

  const name = { namespace: descriptor.namespace, version: descriptor.version }
  await takeName(deps, work, name)
  const logo = await readLogo(bundle.zip)
  const { image, imageSize, published } = await installImage(deps, work, bundle, parsed)

  await deps.objects.put(descriptorKey(upload.taskId), bundle.descriptor, 'application/yaml')
  if (logo !== undefined) await deps.objects.put(logoKey(upload.taskId), logo, 'image/png')

  const task = { ...descriptor, id: upload.taskId, image, hasLogo: logo !== undefined }
  const job = await registerJob(deps, task, { imageSize, isResumed: upload.name !== undefined })
  const arn = job.jobDefinitionArn
  if (arn !== null) undo.push(() => deps.scheduler.deregisterDefinition(arn))
  await lease.assertHeld()
  if (await isBundleExchanged(deps, work)) throw new ObjectExchangedError(upload.key)
  const createdAt = deps.identity.now().toISOString()
  await deps.tasks.publish({ ...task, ...job, imageSize, createdAt }, upload.id)
  // If the worker crashes before this step or fails here, the next version needs a complete upload; nothing else is lost.
  await deps.layers.record(published)
}

const isSameName = (a: TaskName, b: TaskName): boolean =>
  a.namespace === b.namespace && a.version === b.version

async function takeName(
  deps: ImportBundleDependencies,
  { upload, lease, undo }: ImportWork,
  name: TaskName,
): Promise<void> {
  await reserveName(deps, upload, name)
  lease.keepName({ ...name, uploadId: upload.id })
  if (upload.name !== undefined && isSameName(upload.name, name)) return
  undo.push(() => releaseName(deps, upload, name))
  // The object was replaced while no worker held the upload.
  if (upload.name !== undefined) await releaseName(deps, upload, upload.name)
}

/** Refuses a task that is not the requested one: app stores may send another. */
function requireExpected({ expected }: Upload, descriptor: TaskDescriptor): void {
  if (expected === undefined || isSameName(expected, descriptor)) return
  const { namespace, version } = descriptor
  throw refusal(
    'APPSTORE_DOWNLOAD_FAILED',
    'descriptor',
    `the bundle contains ${namespace} ${version} instead of ${expected.namespace} ${expected.version}: report it to the operator of the store, or upload the bundle`,
  )
}

interface InstalledImage {
  readonly image: TaskImage
  readonly imageSize: ImageSize
  /** Recorded once the task is published. */
  readonly published: readonly PublishedLayer[]
}

async function installImage(
  deps: ImportBundleDependencies,
  work: ImportWork,
  { zip }: Bundle,
  { descriptor, warnings }: ParsedDescriptor,
): Promise<InstalledImage> {
  const { upload, lease, etag = '' } = work
  const { registry } = deps
  const { namespace, version } = descriptor
  const { repository, tag } = imageName(deps.settings.repositoryPrefix, namespace, version)
  // Layers of another bundle may have the same names and sizes.
  const known = upload.etag === etag ? (upload.layers ?? []) : []
  const mountPoints = [descriptor.inputFolder, descriptor.outputFolder]
  const {
    manifest,
    layers,
    reused,
    size: imageSize,
  } = await pushImage({
    registry,
    repository,
    zip,
    entry: findImageEntry(zip, descriptor),
    wantedTag: documentedTag(descriptor),
    mountPoints,
    held: await findHeldLayers(deps, upload, repository),
    known,
    maxUnpackedBytes: largestDiskGib(deps.settings.queues) * 1024 ** 3,
    record: async (facts) => {
      if (facts.layers.length > known.length) work.hasAdvanced = true
      const attempts = work.hasAdvanced ? { attempts: 0 } : {}
      const name = { namespace, version }
      await deps.uploads.update(upload.id, { state: 'PUSHING', name, warnings, etag, ...attempts, ...facts })
    },
    pause: deps.pause,
    signal: lease.signal,
  }).catch((error: unknown) => {
    throw asImageRefusal(error)
  })
  const tooLarge = explainTooLargeImage(imageSize, deps.settings.queues)
  if (tooLarge !== undefined) throw refusal('INTERNAL_UNKNOWN_BUNDLE_ARCHIVE_FORAMT', 'image', tooLarge)
  // Pushing the tag requires the name.
  await lease.assertHeld()
  await reserveName(deps, upload, descriptor)
  const digest = await registry
    .pushManifest(repository, tag, manifest.bytes, manifest.mediaType)
    .catch(async (error: unknown) => {
      const isGone = reused.size > 0 && (await isAnyGone(registry, repository, layers))
      throw isGone ? layerGone(someOf([...reused], NAMES_SHOWN)) : error
    })
  const published = publishedLayers(layers, repository, mountPoints)
  return { image: { repository, tag, digest }, imageSize, published }
}
