import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { writeFolderZip } from '../archive/folder-zip/write-folder-zip.ts'
import { openZip, type ZipArchive, type ZipEntry } from '../archive/zip/read-zip.ts'
import { ZipFormatError } from '../archive/zip/zip-format-error.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import { batchError, DomainError, type ErrorName } from '../contract/errors.ts'
import { MAX_NAMES, quoted, someOf } from '../contract/quoted.ts'
import type { OutputEntry } from '../contract/staging.ts'
import { postedOutputsPrefix } from '../contract/storage-keys.ts'
import { inInvalidState } from '../inputs/provisioning.ts'
import { findRunAndTask, type Repositories, stateError } from '../run/find-run.ts'
import type { Run } from '../run/run.ts'
import { isActive } from '../run/transitions.ts'
import { bufferSource } from '../shared/byte-source.ts'
import type { Identity } from '../shared/identity.ts'
import { readAll } from '../shared/read-all.ts'
import type { Task } from '../task/task.ts'
import { endWithOutputs } from './collect-outputs.ts'
import { requireSecret } from './stage-files.ts'

interface Dependencies extends Repositories {
  readonly identity: Identity
  readonly objects: ObjectStore
}

/** Maximum uncompressed size; the zip itself is at most 6 MB, Lambda's limit. */
const MAX_INFLATED_BYTES = 64 * 1024 * 1024

/**
 * Accepts a run's outputs as one zip from a client that knows the run's secret, and ends the run (http-api 5.23).
 * Concurrent posts, and the job's own outputs, are stored under different prefixes; one conditional write decides.
 * @throws DomainError SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING, before the state is checked;
 * INTERNAL_INVALID_TASK_RUN_STATE; INTERNAL_INVALID_OUTPUT (not a zip, or a damaged one); INTERNAL_UNKNOWN_OUTPUT,
 * INTERNAL_MISSING_OUTPUTS or INTERNAL_GENERIC_BATCH_ERROR, after which the run is FAILED
 */
export async function postOutputs(
  deps: Dependencies,
  runId: string,
  secret: string,
  archive: () => Promise<Uint8Array>,
): Promise<void> {
  const { run, task } = await findRunAndTask(deps, runId)
  requireSecret(run, secret)
  const { job } = run
  if (!isActive(run.state) || job === undefined) {
    throw stateError(run.state, 'outputs can be posted only while it runs (QUEUING to RUNNING)')
  }
  const outputs = await openArchive(await archive())
  await checkNames(deps, run, task, outputs.byName)

  const prefix = postedOutputsPrefix(run.id, job.attempt, deps.identity.uuid())
  // Stays true when ending the run fails: the run may have ended with these outputs.
  let isKept = false
  try {
    const entries = await storeOutputs(deps, prefix, outputs)
    isKept = true
    const given = { run, task, prefix, left: { entries, others: [] } }
    const { problems, isEnd } = await endWithOutputs(deps, given)
    isKept = isEnd && problems.length === 0
    if (!isEnd) throw stateError(run.state, 'another call has ended it')
    if (problems.length > 0) throw batchError('INTERNAL_GENERIC_BATCH_ERROR', problems)
  } finally {
    // Files left by a crash are removed with the run.
    if (!isKept) await deps.objects.removeAll(prefix)
  }
}

interface PostedOutputs {
  readonly zip: ZipArchive
  readonly byName: ReadonlyMap<string, readonly ZipEntry[]>
}

async function openArchive(bytes: Uint8Array): Promise<PostedOutputs> {
  const zip = await refusingZip(() => openZip(bufferSource(bytes)))
  const size = zip.entries.reduce((sum, entry) => sum + entry.sizeBytes, 0)
  if (size > MAX_INFLATED_BYTES) {
    throw new DomainError('INTERNAL_INVALID_OUTPUT', undefined, {
      words: `the archive contains ${size} bytes; expected at most ${MAX_INFLATED_BYTES}`,
    })
  }
  return { zip, byName: Map.groupBy(zip.entries, (entry) => entry.name.split('/')[0] ?? entry.name) }
}

/** Converts zip errors to client errors, also those found while an entry is read. */
async function refusingZip<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ZipFormatError)) throw error
    throw new DomainError('INTERNAL_INVALID_OUTPUT', undefined, { cause: error, words: error.message })
  }
}

async function checkNames(
  deps: Dependencies,
  run: Run,
  task: Task,
  found: ReadonlyMap<string, unknown>,
): Promise<void> {
  const declared = new Set(task.outputs.map((output) => output.name))
  const unknown = [...found.keys()].filter((name) => !declared.has(name))
  if (unknown.length > 0) await failBy(deps, run, task, { error: 'INTERNAL_UNKNOWN_OUTPUT', names: unknown })
  const missing = task.outputs.filter((output) => !output.optional && !found.has(output.name))
  if (missing.length > 0) {
    const names = missing.map((output) => output.name)
    await failBy(deps, run, task, { error: 'INTERNAL_MISSING_OUTPUTS', names })
  }
}

async function failBy(
  deps: Dependencies,
  run: Run,
  task: Task,
  { error, names }: { readonly error: ErrorName; readonly names: readonly string[] },
): Promise<never> {
  const shownNames = someOf(
    names.slice(0, MAX_NAMES + 1).map((name) => quoted(name, 60)),
    MAX_NAMES,
  )
  const words = `${shownNames}; expected one entry for each output: ${someOf(
    task.outputs.slice(0, MAX_NAMES + 1).map(({ name }) => quoted(name, 60)),
    MAX_NAMES,
  )}`
  const refusal = new DomainError(error, undefined, { words })
  const kind = error === 'INTERNAL_MISSING_OUTPUTS' ? 'output-missing' : 'output-invalid'
  const { message } = refusal
  try {
    await deps.runs.transition(run.id, { to: 'FAILED', set: { failure: { kind, message } } })
  } catch (conflict) {
    throw inInvalidState(conflict)
  }
  throw refusal
}

async function storeOutputs(
  deps: Dependencies,
  prefix: string,
  { zip, byName }: PostedOutputs,
): Promise<ReadonlyMap<string, OutputEntry>> {
  const entries = new Map<string, OutputEntry>()
  for (const [name, found] of byName) {
    entries.set(name, await refusingZip(() => storeOutput(deps, `${prefix}${name}`, zip, { name, found })))
  }
  return entries
}

/** Stores a file unchanged, and a folder as the zip that the stager would make. */
async function storeOutput(
  deps: Dependencies,
  key: string,
  zip: ZipArchive,
  { name, found }: { readonly name: string; readonly found: readonly ZipEntry[] },
): Promise<OutputEntry> {
  const [only] = found
  if (only !== undefined && found.length === 1 && only.name === name) {
    return { name, kind: 'file', sizeBytes: await deps.objects.write(key, Readable.from(zip.read(only))) }
  }
  const packed = writeFolderZip(found, async (entry) => {
    const bytes = await readAll(Readable.from(zip.read(entry)))
    return { crc32: crc32(bytes), bytes: [bytes] }
  })
  await deps.objects.write(key, Readable.from(packed))
  return { name, kind: 'directory', sizeBytes: 0 }
}
