import { createHash, timingSafeEqual } from 'node:crypto'
import { storedZip } from '../archive/folder-zip/stored-zip.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import { DomainError } from '../contract/errors.ts'
import {
  type OutputEntry,
  STAGED_LISTING_NAME,
  type StagedInputs,
  type StagedOutputs,
  type StageReport,
} from '../contract/staging.ts'
import { runInputsPrefix, runOutputsPrefix } from '../contract/storage-keys.ts'
import { arrayEntries, type InputEntry, type StoredFile } from '../inputs/array-inputs.ts'
import { itemProvisions } from '../inputs/array-provisions.ts'
import { readAhead } from '../inputs/read-ahead.ts'
import { filesOf } from '../inputs/read-inputs.ts'
import { findRunAndTask, type Repositories } from '../run/find-run.ts'
import { provisionOf, type Run } from '../run/run.ts'
import type { RunRepository } from '../run/run-repository.ts'
import { isActive } from '../run/transitions.ts'
import type { Metrics } from '../shared/metrics-port.ts'
import type { ArrayType } from '../task/parameters/array.ts'
import type { Task } from '../task/task.ts'

/** The stager starts its transfers at once; an hour suffices for 5 GB on a slow connection. */
const URL_SECONDS = 3600

/**
 * Maximum size of an array's items that are packed; larger ones get URLs. A URL takes about 2 KB of the response, which
 * Lambda limits to 6 MB.
 */
const PACKED_BYTES = 1024 * 1024

/**
 * Verifies the secret of the run's own container, in constant time and before any other check (run-lifecycle 9).
 * @throws DomainError SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING
 */
export function requireSecret(run: Run, secret: string): void {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  if (!timingSafeEqual(digest(run.secret), digest(secret))) {
    throw new DomainError('SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING')
  }
}

/**
 * Finds the active run of a stager that knows its secret; the secret is invalid once the run has ended.
 * @throws DomainError SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING, INTERNAL_INVALID_TASK_RUN_STATE
 */
async function findStagedRun(
  deps: Repositories,
  runId: string,
  secret: string,
): Promise<{ readonly run: Run; readonly task: Task }> {
  const { run, task } = await findRunAndTask(deps, runId)
  requireSecret(run, secret)
  if (!isActive(run.state)) throw new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
  return { run, task }
}

/**
 * Prefix for the outputs of one attempt, for a stager that knows the run's secret.
 * @throws DomainError SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING, INTERNAL_INVALID_TASK_RUN_STATE
 */
export async function findOutputPlace(
  deps: Repositories,
  runId: string,
  secret: string,
  jobAttempt: number,
): Promise<{ readonly task: Task; readonly prefix: string }> {
  const { run, task } = await findStagedRun(deps, runId, secret)
  if (run.job === undefined) throw new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
  return { task, prefix: runOutputsPrefix(runId, run.job.attempt, jobAttempt) }
}

/** Content of the input folder for stage-in: small files inline, others as URLs. */
export async function stageInputs(
  deps: Repositories & { readonly objects: ObjectStore },
  runId: string,
  secret: string,
): Promise<StagedInputs> {
  const { run, task } = await findStagedRun(deps, runId, secret)
  const stored = new Map((await deps.runs.listInputs(run)).map((value) => [value.parameterName, value]))
  const files = await Promise.all(
    task.inputs.map(async ({ name, type }) => {
      if (type.id === 'array') return arrayFiles(deps, run, name, type)
      const value = stored.get(name)
      return value === undefined ? [] : filesOf(value)
    }),
  )
  return { files: await Promise.all(files.flat().map((file) => presentFile(deps, file))) }
}

/**
 * Files of an array. One that was provisioned as a whole is a zip already. Small items are packed into a zip now, since
 * inputs no longer change; large ones get URLs, so that gigabytes are not copied.
 */
async function arrayFiles(
  deps: { readonly runs: RunRepository; readonly objects: ObjectStore },
  run: Run,
  name: string,
  type: ArrayType,
): Promise<readonly StoredFile[]> {
  const whole = provisionOf(run, name)
  if (whole?.kind === 'value' && itemProvisions(run, name).size === 0) {
    const value = await deps.runs.findInput(run.id, name, whole.valueId)
    return value === undefined ? [] : filesOf(value)
  }
  const entries = await arrayEntries(deps, run, name, type)
  if (entries.size === 0) return []
  const apart = new Set<StoredFile>()
  const packed: InputEntry[] = []
  for (const entry of entries.values()) {
    if (entry.object !== undefined && isLarge(entry.object)) apart.add(entry.object)
    else packed.push(entry)
  }
  const key = `${runInputsPrefix(run.id)}${name}/staged`
  const sizeBytes = await deps.objects.write(key, storedZip(readAhead(packed)))
  return [{ kind: 'tree', name, key, sizeBytes }, ...apart]
}

/** A folder that the client packed may be of any size when unpacked. */
function isLarge(object: StoredFile): boolean {
  return object.kind === 'zip' || (object.kind === 'object' && object.sizeBytes > PACKED_BYTES)
}

async function presentFile(
  deps: { readonly objects: ObjectStore },
  file: StoredFile,
): Promise<StagedInputs['files'][number]> {
  if (file.kind === 'inline') return { path: file.name, content: { kind: 'inline', text: file.text } }
  const { name: path, sizeBytes } = file
  const url = await deps.objects.presignRead(file.key, URL_SECONDS)
  switch (file.kind) {
    case 'object':
      return { path, content: { kind: 'url', url, sizeBytes } }
    case 'tree':
      return { path, content: { kind: 'tree', url, sizeBytes } }
    case 'zip':
      return { path, content: { kind: 'tree', url, sizeBytes, below: path } }
  }
}

/** Upload targets for the declared outputs among the task's files; other files are not uploaded. */
export async function stageOutputs(
  deps: Repositories & { readonly objects: ObjectStore },
  runId: string,
  secret: string,
  left: { readonly jobAttempt: number; readonly entries: readonly OutputEntry[] },
): Promise<StagedOutputs> {
  const { task, prefix } = await findOutputPlace(deps, runId, secret, left.jobAttempt)
  const declared = new Map(task.outputs.map((output) => [output.name, output.type.id]))
  const files = left.entries.filter(({ name, kind }) => {
    const type = declared.get(name)
    // Only arrays and DICOM images may be folders; the stager packs them.
    const mayBeFolder = type === 'array' || type === 'image'
    return type !== undefined && (kind === 'file' || (kind === 'directory' && mayBeFolder))
  })
  return {
    uploads: await Promise.all(
      files.map(async ({ name }) => ({
        name,
        url: await deps.objects.presignWrite(`${prefix}${name}`, URL_SECONDS),
      })),
    ),
    listingUrl: await deps.objects.presignWrite(`${prefix}${STAGED_LISTING_NAME}`, URL_SECONDS),
  }
}

/**
 * Records how long the run's stager took, for metrics and for the run.
 * @throws DomainError SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING, INTERNAL_INVALID_TASK_RUN_STATE
 */
export async function reportStage(
  deps: Repositories & { readonly metrics: Metrics },
  runId: string,
  secret: string,
  { stage, seconds }: StageReport,
): Promise<object> {
  await findStagedRun(deps, runId, secret)
  await deps.runs.recordStage(runId, stage === 'in' ? 'stageIn' : 'stageOut', seconds)
  deps.metrics.observe(stage === 'in' ? 'StageInSeconds' : 'StageOutSeconds', seconds)
  return {}
}
