import { DomainError } from '../domain/errors.ts'
import { describeJob, type JobSettings } from '../domain/job/job-definition.ts'
import { sizeJob } from '../domain/job/job-size.ts'
import { descriptorKey, logoKey, taskDefinitionPrefix } from '../domain/storage-keys.ts'
import { imageName } from '../domain/task/image-name.ts'
import { descriptorError, parseTaskDescriptor } from '../domain/task/parse-task-descriptor.ts'
import type { Task, TaskDescriptor, TaskImage } from '../domain/task/task.ts'
import { findImage } from '../formats/oci/find-image.ts'
import { scanImageArchive } from '../formats/oci/image-archive.ts'
import type {
  Identity,
  ImageRegistry,
  JobScheduler,
  ObjectStore,
  TaskRepository,
  Upload,
  UploadRepository,
} from '../ports.ts'
import { asRefusal, refusal } from './import/import-refusal.ts'
import { type Bundle, decodeDescriptor, findImageEntry, openBundle, readLogo } from './import/open-bundle.ts'
import { pushImage } from './import/push-image.ts'

/** What an import works with. */
export interface ImportBundleDependencies {
  readonly identity: Identity
  readonly uploads: UploadRepository
  readonly tasks: TaskRepository
  readonly objects: ObjectStore
  readonly registry: ImageRegistry
  readonly scheduler: JobScheduler
  readonly settings: {
    /** First part of the repositories of task images. */
    readonly repositoryPrefix: string
    readonly job: JobSettings
  }
}

/** Longer than a worker lives (Lambda: 900 s), so that two of them are never at the same upload or name. */
const LEASE_SECONDS = 960

/** Steps to take back when the import fails, in the order they were taken. */
type UndoSteps = (() => Promise<void>)[]

/**
 * Makes a task of the bundle that arrived under `key`: image into the registry, job definition, files, record. Either all of
 * it is there at the end, or nothing, and the upload says which. May be repeated after a crash; repeating it after the end does
 * nothing. Holds some 50 MiB, whatever the size of the bundle.
 * @throws Error while another worker holds the upload; failures of the system (refusals of the bundle only go into the upload), after the upload was marked FAILED, so that
 * they get logged.
 */
export async function importBundle(
  deps: ImportBundleDependencies,
  input: { readonly uploadId: string; readonly key: string },
): Promise<void> {
  const upload = await claimUpload(deps, input)
  if (upload === undefined) return await leaveToOther(deps, input.uploadId)
  const undo: UndoSteps = []
  try {
    // A worker that died right after publishing leaves only the last steps to do.
    if (!(await isPublished(deps, upload))) await install(deps, upload, undo)
  } catch (error) {
    if (!(await isPublished(deps, upload))) return await giveUp(deps, upload, asRefusal(error), undo)
    // The record was written although its answer got lost.
  }
  await deps.uploads.update(upload.id, { state: 'READY' })
  await deps.objects.remove(upload.key)
}

/**
 * The upload could not be claimed. Over: nothing to do. Else another worker is at it, or died at it: then this delivery must not
 * pass for done, for nothing would come after it.
 * @throws Error which has the event delivered again, and kept as a dead letter at last
 */
async function leaveToOther({ uploads }: ImportBundleDependencies, uploadId: string): Promise<void> {
  const upload = await uploads.find(uploadId)
  if (upload?.state === 'READY' || upload?.state === 'FAILED') return
  throw new Error(`another worker holds upload ${uploadId} until ${upload?.leaseUntil}`)
}

/** An object that some S3 client put into the bucket has no upload item yet. */
async function claimUpload(
  { identity, uploads }: ImportBundleDependencies,
  { uploadId, key }: { readonly uploadId: string; readonly key: string },
): Promise<Upload | undefined> {
  if ((await uploads.find(uploadId)) === undefined) {
    const createdAt = identity.now().toISOString()
    try {
      await uploads.create({ id: uploadId, key, state: 'CREATED', taskId: identity.uuid(), createdAt })
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

async function install(deps: ImportBundleDependencies, upload: Upload, undo: UndoSteps): Promise<void> {
  await deps.uploads.update(upload.id, { state: 'VALIDATING' })
  const bundle = await openBundle(deps.objects, upload.key)
  const parsed = parseTaskDescriptor(decodeDescriptor(bundle.descriptor), () => deps.identity.uuid())
  if ('problems' in parsed) throw descriptorError(parsed.problems)
  const { descriptor } = parsed
  requireExpected(upload, descriptor)

  await reserveName(deps, upload, descriptor)
  undo.push(() => deps.tasks.releaseName(reservationOf(upload, descriptor)))
  const logo = await readLogo(bundle.zip)
  const { image, diskBytes } = await installImage(deps, upload, bundle, descriptor, undo)

  undo.push(() => deps.objects.removeAll(taskDefinitionPrefix(upload.taskId)))
  await deps.objects.put(descriptorKey(upload.taskId), bundle.descriptor, 'application/yaml')
  if (logo !== undefined) await deps.objects.put(logoKey(upload.taskId), logo, 'image/png')

  const task = { ...descriptor, id: upload.taskId, image, hasLogo: logo !== undefined }
  const job = await registerJob(deps, task, diskBytes)
  const arn = job.jobDefinitionArn
  if (arn !== null) undo.push(() => deps.scheduler.deregisterDefinition(arn))
  await deps.tasks.publish({ ...task, ...job, createdAt: deps.identity.now().toISOString() }, upload.id)
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
  upload: Upload,
  { zip }: Bundle,
  descriptor: TaskDescriptor,
  undo: UndoSteps,
): Promise<{ readonly image: TaskImage; readonly diskBytes: number }> {
  const archive = findImageEntry(zip, descriptor)
  const found = findImage(await scanImageArchive(zip.read(archive)))
  const { repository, tag } = imageName(
    deps.settings.repositoryPrefix,
    descriptor.namespace,
    descriptor.version,
  )
  await deps.registry.ensureRepository(repository)
  const { manifest, diskBytes } = await pushImage(
    deps.registry,
    repository,
    found,
    zip.read(archive),
    (progress) => deps.uploads.update(upload.id, { state: 'PUSHING', progress }),
  )
  // The tag belongs to whom the name belongs to; a long push may have outlasted the lease.
  await reserveName(deps, upload, descriptor)
  undo.push(async () => {
    if (await ownsName(deps, upload, descriptor)) await deps.registry.removeImage(repository, tag)
  })
  const digest = await deps.registry.pushManifest(repository, tag, manifest.bytes, manifest.mediaType)
  return { image: { repository, tag, digest }, diskBytes }
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

async function registerJob(
  { registry, scheduler, settings }: ImportBundleDependencies,
  task: TaskDescriptor & Pick<Task, 'id' | 'image'>,
  diskBytes: number,
): Promise<Pick<Task, 'jobDefinitionArn' | 'unschedulableReason'>> {
  const size = sizeJob(task.resources, diskBytes)
  if ('unschedulable' in size) return { jobDefinitionArn: null, unschedulableReason: size.unschedulable }
  const reference = registry.reference(task.image.repository, task.image.digest)
  const jobDefinitionArn = await scheduler.registerDefinition(
    describeJob(task, reference, size, settings.job),
  )
  return { jobDefinitionArn, unschedulableReason: null }
}

/**
 * Takes back every step, the last one first, and records why; a step that fails does not keep the others from theirs.
 * @throws what an operator should see: failures of the system, not refusals of the bundle.
 */
async function giveUp(
  { uploads }: ImportBundleDependencies,
  upload: Upload,
  error: unknown,
  undo: UndoSteps,
): Promise<void> {
  const isRefusal = error instanceof DomainError && error.status < 500
  const failures: unknown[] = isRefusal ? [] : [error]
  for (const step of undo.toReversed()) {
    await step().catch((failure: unknown) => failures.push(failure))
  }
  const told =
    error instanceof DomainError
      ? error
      : new DomainError('INTERNAL_SERVER_ERROR', { type: 'server', exceptionMessage: null })
  await uploads.update(upload.id, { state: 'FAILED', error: { ...told.body, status: told.status } })
  if (failures.length > 1) throw new AggregateError(failures, `the import of upload ${upload.id} failed`)
  if (failures.length === 1) throw failures[0]
}
