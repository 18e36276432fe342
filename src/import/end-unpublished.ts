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

/** Consecutive workers without progress before the import fails; Lambda tries an event three times as well. */
const MAX_ATTEMPTS = 3
/** A crashed worker leaves no reason, and the bundle may not be at fault: wait for two full Lambda time-outs. */
const RETRY_PERIOD_MS = 30 * 60 * 1000

/** Failure of an import that is not the bundle's fault; the cause is for operators. */
export class ImportFailedError extends Error {
  override readonly name = 'ImportFailedError'
}

/** Error of an import that is not retried, because too many workers crashed without progress. */
class RetriesExhaustedError extends DomainError {}

/**
 * Ends an import that is not published. It is handed to another worker when time is up, when the failure is transient,
 * or when the bundle was replaced. Otherwise all steps are undone and the upload records the error.
 * @throws the cause when the import is to be retried; ImportFailedError
 */
export async function endUnpublished(
  deps: ImportBundleDependencies,
  work: ImportWork,
  error: unknown,
): Promise<void> {
  // The event of the new bundle arrived while this worker held the lease, or has not arrived yet. A replaced object may
  // look like a lost connection to this worker, so the check reads the bucket.
  if (await isBundleExchanged(deps, work)) {
    await releaseUpload({ ...work, hasAdvanced: true })
    return await deps.requests.send(work.upload.id)
  }
  const isTimeUp = error instanceof TimeIsUpError
  if (isTimeUp && !work.hasAdvanced) return await failImport(deps, work, tooLarge())
  if (isTimeUp) {
    await releaseUpload(work)
    return await deps.requests.send(work.upload.id)
  }
  const isLastAttempt = !work.hasAdvanced && (work.upload.attempts ?? 0) >= MAX_ATTEMPTS
  if (!isRetryable(error) || isLastAttempt) return await failImport(deps, work, error)
  // If this fails too, the lease expires.
  await releaseUpload(work).catch(() => {})
  throw error
}

/** A refused bundle would be refused again; a registry outage or another failure may be transient. */
function isRetryable(error: unknown): boolean {
  return !(error instanceof DomainError) || (error.status >= 500 && !(error instanceof RetriesExhaustedError))
}

/** Ends the lease, so that another worker can continue. */
async function releaseUpload({ lease, hasAdvanced }: ImportWork): Promise<void> {
  lease.stop()
  await lease.endLease(hasAdvanced)
}

/**
 * Fails an import whose workers have crashed for {@link RETRY_PERIOD_MS} without progress. This worker then only undoes
 * their steps.
 * @throws DomainError INTERNAL_SERVER_ERROR
 */
export function requireRetriesLeft({ upload, startedAt }: ImportWork): void {
  const { attempts = 0, triedSince } = upload
  if (attempts <= MAX_ATTEMPTS || triedSince === undefined) return
  if (startedAt - new Date(triedSince).getTime() < RETRY_PERIOD_MS) return
  const words = `the import was interrupted ${attempts - 1} times without progress: send the bundle again, or contact the operator of this App Engine`
  throw new RetriesExhaustedError('INTERNAL_SERVER_ERROR', { type: 'server', exceptionMessage: words })
}

/** Registers undo steps for possible results of crashed workers. */
export function undoEarlierWorkers(deps: ImportBundleDependencies, work: ImportWork): void {
  const { upload, undo } = work
  const { taskId, name } = upload
  undo.push(() => deps.objects.removeAll(taskDefinitionPrefix(taskId)))
  if (name === undefined) return
  undo.push(() => deps.scheduler.deregisterDefinitions(jobDefinitionName(deps.settings.job, taskId)))
  undo.push(() => releaseName(deps, upload, name))
}

/** Releases a reserved name, and removes the image that the upload may have pushed under it. */
export async function releaseName(
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
    // Another import holds the name now, so the image under it is not removed.
    if (!(error instanceof DomainError) || error.error !== 'INTERNAL_TASK_EXISTS') throw error
  } finally {
    await deps.tasks.releaseName({ ...name, uploadId: upload.id })
  }
}

/**
 * Undoes every step, last first, removes the bundle and records the error. A failed undo step does not stop the others.
 * @throws ImportFailedError for failures of the system, not for refused bundles
 */
async function failImport(deps: ImportBundleDependencies, work: ImportWork, cause: unknown): Promise<void> {
  const { upload, lease, undo } = work
  await lease.assertHeld()
  const isRefusal = cause instanceof DomainError && cause.status < 500
  const failures: unknown[] = isRefusal ? [] : [cause]
  for (const step of undo.toReversed()) {
    await step().catch((failure: unknown) => failures.push(failure))
  }
  const reported =
    cause instanceof DomainError
      ? cause
      : new DomainError('INTERNAL_SERVER_ERROR', { type: 'server', exceptionMessage: null })
  await deps.uploads.update(upload.id, {
    state: 'FAILED',
    error: { ...reported.body, status: reported.status },
  })
  deps.metrics.count('Imports', isRefusal ? 'refused' : 'engine-error', { uploadId: upload.id })
  await deps.objects.remove(upload.key).catch((failure: unknown) => failures.push(failure))
  if (failures.length === 0) return
  throw new ImportFailedError(`the import of upload ${upload.id} failed`, {
    cause: failures.length === 1 ? failures[0] : new AggregateError(failures),
  })
}

/** Refusal of a bundle with a layer that takes longer than a worker's time: a retry would fail too. */
function tooLarge(): DomainError {
  return refusal(
    'INTERNAL_UNKNOWN_BUNDLE_ARCHIVE_FORAMT',
    'image',
    'no layer of the image could be read and sent within 15 minutes: make its layers smaller (fewer files in each COPY or RUN), or send the bundle again if this App Engine was just slow',
  )
}
