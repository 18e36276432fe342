import { createHash, timingSafeEqual } from 'node:crypto'
import { DomainError } from '../domain/errors.ts'
import type { Run } from '../domain/run/run.ts'
import { isActive } from '../domain/run/transitions.ts'
import { LISTING_NAME, type OutputEntry, type StagedInputs, type StagedOutputs } from '../domain/staging.ts'
import { runOutputsPrefix } from '../domain/storage-keys.ts'
import type { ObjectStore, RunRepository, TaskRepository } from '../ports.ts'
import { findRun, findRunAndTask } from './find-run.ts'
import { filesOf } from './read-run-values.ts'

/** The stager starts moving at once; an hour covers 5 GB on a slow line. */
const URL_SECONDS = 3600

/**
 * Is this the run's own container? Compared in constant time, before anything else is looked at (run-lifecycle 9).
 * @throws DomainError SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING
 */
export function proveSecret(run: Run, secret: string): void {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  if (!timingSafeEqual(digest(run.secret), digest(secret))) {
    throw new DomainError('SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING')
  }
}

/** The secret dies with the run. */
function requireActive(run: Run): void {
  if (!isActive(run.state)) throw new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
}

/** What stage-in puts into the input folder: small files as they are, others by URL. */
export async function stageInputs(
  deps: { readonly runs: RunRepository; readonly objects: ObjectStore },
  runId: string,
  secret: string,
): Promise<StagedInputs> {
  const run = await findRun(deps, runId)
  proveSecret(run, secret)
  requireActive(run)
  const values = await deps.runs.listInputs(run)
  return {
    files: await Promise.all(
      values.flatMap(filesOf).map(async (file) => ({
        path: file.name,
        content:
          file.kind === 'inline'
            ? { kind: file.kind, text: file.text }
            : {
                kind: file.kind === 'tree' ? ('tree' as const) : ('url' as const),
                url: await deps.objects.presignRead(file.key, URL_SECONDS),
                sizeBytes: file.sizeBytes,
              },
      })),
    ),
  }
}

/** Where stage-out puts the declared outputs among what the task left behind; anything else is not taken. */
export async function stageOutputs(
  deps: { readonly runs: RunRepository; readonly tasks: TaskRepository; readonly objects: ObjectStore },
  runId: string,
  secret: string,
  left: { readonly jobAttempt: number; readonly entries: readonly OutputEntry[] },
): Promise<StagedOutputs> {
  const { run, task } = await findRunAndTask(deps, runId)
  proveSecret(run, secret)
  requireActive(run)
  if (run.job === undefined) throw new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
  const prefix = runOutputsPrefix(runId, run.job.attempt, left.jobAttempt)
  const declared = new Map(task.outputs.map((output) => [output.name, output.type.id]))
  const files = left.entries.filter(({ name, kind }) => {
    const type = declared.get(name)
    // A folder is due for DICOM images only; the stager packs it.
    return type !== undefined && (kind === 'file' || (kind === 'directory' && type === 'image'))
  })
  return {
    uploads: await Promise.all(
      files.map(async ({ name }) => ({
        name,
        url: await deps.objects.presignWrite(`${prefix}${name}`, URL_SECONDS),
      })),
    ),
    listingUrl: await deps.objects.presignWrite(`${prefix}${LISTING_NAME}`, URL_SECONDS),
  }
}
