import { DomainError } from '../contract/errors.ts'
import { taskDefinitionPrefix } from '../contract/storage-keys.ts'
import { jobDefinitionName } from '../run/job/job-definition.ts'
import type { TaskName } from '../task/task.ts'
import type { Upload } from '../upload/upload.ts'
import { imageName } from './image-name.ts'
import { refusal } from './import-refusal.ts'
import {
  type ImportBundleDependencies,
  type ImportWork,
  isBundleExchanged,
  reserveName,
} from './import-work.ts'
import { TimeIsUpError } from './lease.ts'

/** So many workers in a row may fail without getting any further, as often as Lambda calls a function for one event. */
const MAX_ATTEMPTS = 3
/** Workers that die cannot tell why, and may die of what the bundle cannot help: twice as long as a call may take. */
const HOPELESS_AFTER_MS = 30 * 60 * 1000

/** An import is over for what its bundle cannot help; the cause is for an operator. */
export class ImportFailedError extends Error {
  override readonly name = 'ImportFailedError'
}

/** Nobody should try again. */
class HopelessError extends DomainError {}

/**
 * Ends what this worker can do for an import that is not published: another goes on when time was up, when what failed may pass, or
 * with the object that took the bundle's place meanwhile; else everything is taken back and the upload says why.
 * @throws the cause, when another worker should try in a while; ImportFailedError
 */
export async function endUnpublished(
  deps: ImportBundleDependencies,
  work: ImportWork,
  error: unknown,
): Promise<void> {
  // The new bundle's own event came while this worker held the upload, or is still to come. A reader may have met the exchange as a
  // broken connection, so the bucket is asked, not the error.
  if (await isBundleExchanged(deps, work)) {
    await handBack({ ...work, hasAdvanced: true })
    return await deps.requests.send(work.upload.id)
  }
  const isTimeUp = error instanceof TimeIsUpError
  if (isTimeUp && !work.hasAdvanced) return await giveUp(deps, work, tooLarge())
  if (isTimeUp) {
    await handBack(work)
    return await deps.requests.send(work.upload.id)
  }
  const isLastAttempt = !work.hasAdvanced && (work.upload.attempts ?? 0) >= MAX_ATTEMPTS
  if (!mayPass(error) || isLastAttempt) return await giveUp(deps, work, error)
  // Where this fails as well, the lease runs out by itself.
  await handBack(work).catch(() => {})
  throw error
}

/** What a bundle is refused for stays; the registry may come back, and so may whatever else has failed. */
function mayPass(error: unknown): boolean {
  return !(error instanceof DomainError) || (error.status >= 500 && !(error instanceof HopelessError))
}

/** Leaves the rest to a further call, which finds what this one has done. */
async function handBack({ lease, hasAdvanced }: ImportWork): Promise<void> {
  lease.stop()
  await lease.endLease(hasAdvanced)
}

/**
 * This worker only takes back what others have left, when they have died for long without getting any further.
 * @throws DomainError INTERNAL_SERVER_ERROR
 */
export function assertNotHopeless({ upload, startedAt }: ImportWork): void {
  const { attempts = 0, triedSince } = upload
  if (attempts <= MAX_ATTEMPTS || triedSince === undefined) return
  if (startedAt - new Date(triedSince).getTime() < HOPELESS_AFTER_MS) return
  const words = `the import broke off ${attempts - 1} times without getting any further: send the bundle again, or ask who runs this App Engine`
  throw new HopelessError('INTERNAL_SERVER_ERROR', { type: 'server', exceptionMessage: words })
}

/** What a worker that died may have left is taken back like this worker's own steps. */
export function undoEarlierWorkers(deps: ImportBundleDependencies, work: ImportWork): void {
  const { upload, undo } = work
  const { taskId, name } = upload
  undo.push(() => deps.objects.removeAll(taskDefinitionPrefix(taskId)))
  if (name === undefined) return
  undo.push(() => deps.scheduler.deregisterDefinitions(jobDefinitionName(deps.settings.job, taskId)))
  undo.push(() => takeNameBack(deps, upload, name))
}

/** Gives a reserved name free, and removes what the upload may have put under it: an image. */
export async function takeNameBack(
  deps: ImportBundleDependencies,
  upload: Upload,
  name: TaskName,
): Promise<void> {
  const { namespace, version } = name
  const { repository, tag } = imageName(deps.settings.repositoryPrefix, namespace, version)
  try {
    await reserveName(deps, upload, name)
    await deps.registry.removeImage(repository, tag)
  } catch (error) {
    // When another import took the name over, the image under it is not ours to remove.
    if (!(error instanceof DomainError) || error.error !== 'INTERNAL_TASK_EXISTS') throw error
  } finally {
    await deps.tasks.releaseName({ ...name, uploadId: upload.id })
  }
}

/**
 * Takes back every step, the last one first, and the bundle, and records why; a step that fails does not keep the others from
 * theirs.
 * @throws ImportFailedError with what an operator should see: failures of the system, not refusals of the bundle.
 */
async function giveUp(deps: ImportBundleDependencies, work: ImportWork, cause: unknown): Promise<void> {
  const { upload, lease, undo } = work
  await lease.assertHeld()
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
  if (failures.length === 0) return
  throw new ImportFailedError(`the import of upload ${upload.id} failed`, {
    cause: failures.length === 1 ? failures[0] : new AggregateError(failures),
  })
}

/** A whole call was not enough for one layer, and the next would hardly be. */
function tooLarge(): DomainError {
  return refusal(
    'INTERNAL_UNKNOWN_BUNDLE_ARCHIVE_FORAMT',
    'image',
    'no layer of the image could be read and sent within 15 minutes: make smaller layers of it (fewer files in each COPY or RUN), or send the bundle again if this App Engine was just slow',
  )
}
