import { Readable } from 'node:stream'
import { copyBySize, isLarge } from '../aws/copy-by-size.ts'
import { CopyStoppedError, type ObjectStore } from '../aws/object-store.ts'
import { MAX_NAMES, quoted, someOf } from '../contract/quoted.ts'
import { reusedOutputsPrefix, reusedOutputsRoot, reusedOutputsTry } from '../contract/storage-keys.ts'
import { resultKeyOf } from '../inputs/result-key.ts'
import type { RunAndTask } from '../run/find-run.ts'
import type { NotReused, Run } from '../run/run.ts'
import type { RunRepository } from '../run/run-repository.ts'
import type { Identity } from '../shared/identity.ts'
import { OUTPUTS_NAME } from './collect-outputs.ts'

/*
 * A run takes the outputs of an equal run: they are copied within S3, so that deleting either run removes nothing of
 * the other (ADR 27).
 */

/** Ports of reuse. */
export interface ReuseDependencies {
  readonly identity: Identity
  readonly objects: ObjectStore
  readonly runs: Pick<RunRepository, 'find' | 'findByResult' | 'listInputs'>
}

/** Outputs that were copied for a run, which has not ended with them yet. */
export interface ReusedOutputs {
  readonly resultKey: string
  readonly outputsPrefix: string
  /** The run that computed them. */
  readonly reusedFrom: string
}

/**
 * Maximum size of the outputs: S3 copies a file of this size in a few seconds. Many files take longer; the caller's
 * time limits them.
 */
const MAX_REUSED_BYTES = 10 * 1024 ** 3
/** Maximum size of the listing: it names its run, so it passes through the function. */
const MAX_LISTING_BYTES = 256 * 1024 ** 2
/** Minimum time for a large file: S3 copies about 100 MB a second in one request, and a range has 128 MiB. */
const MIN_MS_OF_LARGE = 1000
/** Upper bound of the duration of a call that copies: one of the API has 29 s, one of submit-job a minute. */
const MAX_TRY_MS = 5 * 60_000
/**
 * Copies the outputs of a FINISHED run with the same image and inputs.
 * @param run with the provisions that it would start with
 * @param timeLeftMs milliseconds for copying; requests in progress at the end take a few seconds more
 * @returns the reason, to be recorded in the run, when no outputs can be taken; then no copied file is left
 */
export async function copyEqualOutputs(
  deps: ReuseDependencies,
  { run, task }: RunAndTask,
  timeLeftMs: () => number,
): Promise<ReusedOutputs | NotReused> {
  const result = resultKeyOf(task, run, await deps.runs.listInputs(run))
  if ('undigested' in result) return notDigested(result.undigested)
  const source = await deps.runs.findByResult(result.key)
  if (source?.outputsPrefix === undefined || source.id === run.id) return NO_EQUAL_RUN
  const files = await filesBelow(deps, source.outputsPrefix)
  const refusal = refusalOf(source, files, timeLeftMs())
  if (refusal !== undefined) return refusal
  const isTimeUp = (): boolean => timeLeftMs() <= 0
  await removeLeftCopies(deps, run, isTimeUp)
  const begun = { begunAt: deps.identity.now(), copyId: deps.identity.uuid() }
  const outputsPrefix = reusedOutputsPrefix(run.id, begun)
  const copy = { from: source.outputsPrefix, to: outputsPrefix, files, isTimeUp }
  try {
    const isWhole =
      (await copyFiles(deps, copy)) &&
      (await copyListing(deps, copy, { from: source.id, to: run.id })) &&
      // A deletion hides the run before it removes the first file, so a run that still exists had all files.
      (await deps.runs.find(source.id)) !== undefined
    if (isWhole) return { resultKey: result.key, outputsPrefix, reusedFrom: source.reusedFrom ?? source.id }
  } catch (error) {
    await deps.objects.removeAll(outputsPrefix)
    if (error instanceof CopyStoppedError) return tooSlow(source, files)
    throw error
  }
  await deps.objects.removeAll(outputsPrefix)
  return deleted(source)
}

/** Reason why the outputs cannot be copied, by their sizes alone. */
function refusalOf(source: Run, files: readonly NamedFile[], timeLeftMs: number): NotReused | undefined {
  const listing = files.find(({ name }) => name === OUTPUTS_NAME)
  if (listing === undefined) return deleted(source)
  const bytes = bytesOf(files)
  if (bytes > MAX_REUSED_BYTES || listing.sizeBytes > MAX_LISTING_BYTES) return tooLarge(source, bytes)
  const leastMs = files.filter(isLarge).length * MIN_MS_OF_LARGE
  return leastMs > timeLeftMs ? tooSlow(source, files) : undefined
}

/**
 * Removes copies of crashed calls. A younger copy may belong to a call in progress, or to one that has just made the
 * run FINISHED.
 */
async function removeLeftCopies(
  { identity, objects }: Pick<ReuseDependencies, 'identity' | 'objects'>,
  run: Run,
  isTimeUp: () => boolean,
): Promise<void> {
  const latest = identity.now().getTime() - MAX_TRY_MS
  const left = new Set<string>()
  for await (const { key } of objects.list(reusedOutputsRoot(run.id))) {
    const { prefix, begunAt } = reusedOutputsTry(key) ?? {}
    if (prefix !== undefined && begunAt !== undefined && begunAt.getTime() < latest) left.add(prefix)
  }
  for (const prefix of left) await objects.removeAll(prefix, isTimeUp)
}

const NO_EQUAL_RUN: NotReused = {
  reason: 'no-equal-run',
  message: 'no FINISHED run is known with the same image, inputs and declared outputs',
}

function notDigested(names: readonly string[]): NotReused {
  const shown = names.slice(0, MAX_NAMES + 1).map((name) => quoted(name, 60))
  const message = `the content of ${someOf(shown, MAX_NAMES)} has no digest that S3 or this service computed: the file is larger than 16 GiB, or was provisioned before this version`
  return { reason: 'input-not-digested', message }
}

function tooLarge({ id }: Run, bytes: number): NotReused {
  const message = `run ${id} is equal, but its outputs have ${bytes} bytes; expected at most ${MAX_REUSED_BYTES}`
  return { reason: 'outputs-too-large', message }
}

function tooSlow({ id }: Run, files: readonly NamedFile[]): NotReused {
  const message = `run ${id} is equal, but its outputs, ${files.length} files with ${bytesOf(files)} bytes, could not be copied in the time of a call`
  return { reason: 'copy-too-slow', message }
}

function deleted({ id }: Run): NotReused {
  return {
    reason: 'run-deleted',
    message: `run ${id} is equal, but was deleted while its outputs were copied`,
  }
}

interface NamedFile {
  readonly name: string
  readonly sizeBytes: number
}

function bytesOf(files: readonly NamedFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

/**
 * Lists the files of a run's outputs: outputs, item tables, staged listing and outputs listing. There are only a few for
 * each output.
 */
async function filesBelow(
  { objects }: Pick<ReuseDependencies, 'objects'>,
  prefix: string,
): Promise<readonly NamedFile[]> {
  const files: NamedFile[] = []
  for await (const { key, sizeBytes } of objects.list(prefix)) {
    files.push({ name: key.slice(prefix.length), sizeBytes })
  }
  return files
}

interface Copy {
  readonly from: string
  readonly to: string
  readonly files: readonly NamedFile[]
  readonly isTimeUp: () => boolean
}

/**
 * @returns false when a file no longer exists
 * @throws CopyStoppedError
 */
async function copyFiles(
  { objects }: Pick<ReuseDependencies, 'objects'>,
  { from, to, files, isTimeUp }: Copy,
): Promise<boolean> {
  const copied = files.filter(({ name }) => name !== OUTPUTS_NAME)
  const copy = async ({ name }: NamedFile): Promise<boolean> =>
    (await objects.copy(`${from}${name}`, `${to}${name}`, undefined, isTimeUp)) !== undefined
  return (await copyBySize(copied, copy)).every(Boolean)
}

/**
 * @returns false when the listing no longer exists
 * @throws CopyStoppedError
 */
async function copyListing(
  { objects }: Pick<ReuseDependencies, 'objects'>,
  { from, to, isTimeUp }: Copy,
  ids: { readonly from: string; readonly to: string },
): Promise<boolean> {
  const key = `${from}${OUTPUTS_NAME}`
  const body = await objects.read(key)
  if (body === undefined) return false
  async function* inTime(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of chunks) {
      if (isTimeUp()) throw new CopyStoppedError(key)
      yield chunk
    }
  }
  const own = Readable.from(inTime(renamedListing(body, ids)))
  await objects.write(`${to}${OUTPUTS_NAME}`, own, 'application/json')
  return true
}

/**
 * Replaces the run that each entry of a listing names. Ids have the same length, so the bytes are replaced in place.
 * The keys are matched with their quotes, which a value cannot contain: in a JSON text its quotes are escaped. Memory:
 * a chunk.
 */
export async function* renamedListing(
  listing: AsyncIterable<Uint8Array>,
  { from, to }: { readonly from: string; readonly to: string },
): AsyncGenerator<Buffer, void, undefined> {
  const patterns = ['"taskRunId":"', '"href":"task-runs/'].map((start) => [start + from, start + to] as const)
  const carried = Math.max(...patterns.map(([pattern]) => pattern.length)) - 1
  let rest = ''
  for await (const chunk of listing) {
    // Latin-1 has one character for each byte.
    let text = rest + Buffer.from(chunk).toString('latin1')
    for (const [pattern, own] of patterns) text = text.replaceAll(pattern, own)
    rest = text.slice(-carried)
    yield Buffer.from(text.slice(0, text.length - rest.length), 'latin1')
  }
  yield Buffer.from(rest, 'latin1')
}
