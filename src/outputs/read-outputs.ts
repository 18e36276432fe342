import type { ArchiveEntry } from '../archive/folder-zip/stored-zip.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import type { DomainError } from '../contract/errors.ts'
import { STAGED_LISTING_NAME } from '../contract/staging.ts'
import { entriesOf, type StoredFile } from '../inputs/array-inputs.ts'
import { folderEntries } from '../inputs/folder-entries.ts'
import { findItemPlace } from '../inputs/item-index.ts'
import { preparedOutputKey, type StoredObject } from '../inputs/prepared-file.ts'
import {
  BYTES_TYPE,
  type Download,
  itemDownload,
  noGeojson,
  nothingStored,
  type Packing,
  placedEntry,
  requireItem,
  requireNamed,
} from '../inputs/run-files.ts'
import { findRunAndTask, type Repositories, type RunAndTask, stateError } from '../run/find-run.ts'
import type { Run } from '../run/run.ts'
import { OUTPUTS_NAME } from './collect-outputs.ts'
import { findCoreListing } from './core-listing.ts'
import { readStagedListing } from './left-files.ts'

interface Dependencies extends Repositories {
  readonly objects: ObjectStore
}

/**
 * Listing that collect-outputs wrote, as JSON text; available once the run is FINISHED.
 * @param forCore omits values that core cannot read into its records
 */
export async function findOutputListing(
  deps: Dependencies,
  runId: string,
  forCore = false,
): Promise<StoredFile> {
  const { run, task } = await findRunAndTask(deps, runId)
  const prefix = finishedPrefix(run)
  const listing = await outputFile(deps, OUTPUTS_NAME, prefix)
  return forCore ? findCoreListing(deps, { run, task, prefix }, listing) : listing
}

/**
 * One output's file.
 * @param asGeojson requests a geometry
 * @throws DomainError STORAGE_READING_FILE_FAILED unless the run is FINISHED and wrote it (run-lifecycle 5)
 */
export async function findOutputFile(
  deps: Dependencies,
  runId: string,
  parameterName: string,
  asGeojson: boolean,
): Promise<StoredObject> {
  const { run, task } = await findRunAndTask(deps, runId)
  const output = requireNamed(task.outputs, parameterName)
  if (asGeojson && output.type.id !== 'geometry') throw noGeojson(output.name)
  if (run.outputsPrefix === undefined) throw noOutputs(run, output.name)
  return outputFile(deps, output.name, run.outputsPrefix)
}

/**
 * One item of an array output (http-api 5.21).
 * @throws DomainError INTERNAL_INVALID_INDEXES_PATTERN, STORAGE_READING_FILE_FAILED
 */
export async function findOutputItem(
  deps: Dependencies,
  runId: string,
  parameterName: string,
  indexes: string | undefined,
): Promise<Download> {
  const { run, task } = await findRunAndTask(deps, runId)
  const { name, path } = requireItem(task.outputs, parameterName, indexes)
  if (run.outputsPrefix === undefined) throw noOutputs(run, name, path)
  const place = {
    key: preparedOutputKey(run, `${name}/${path.join('/')}`),
    // The contract's file names differ: `param/0` for an input, `0` for an output.
    name: String(path.at(-1)),
    contentType: BYTES_TYPE,
  }
  const key = `${run.outputsPrefix}${name}`
  const [index, ...inner] = path
  if (index !== undefined && inner.length === 0) {
    const found = await findItemPlace(deps.objects, key, index)
    if (found === 'missing') throw nothingStored(name, path)
    if (found !== undefined) {
      return { kind: 'part', ...place, entry: placedEntry(deps, key, String(index), found) }
    }
  }
  const sizeBytes = await deps.objects.size(key)
  if (sizeBytes === undefined) throw nothingStored(name, path)
  return itemDownload(await folderEntries(deps, { key, sizeBytes }), name, path, place)
}

/**
 * All produced outputs, in descriptor order, as `outputs.zip` (http-api 5.22).
 * @throws DomainError RUN_NOT_FOUND, INTERNAL_INVALID_TASK_RUN_STATE
 */
export async function packOutputs(deps: Dependencies, runId: string): Promise<Packing> {
  const found = await findRunAndTask(deps, runId)
  const { run } = found
  finishedPrefix(run)
  return {
    kind: 'packing',
    key: preparedOutputKey(run, 'outputs.zip'),
    name: `outputs-${runId}.zip`,
    contentType: BYTES_TYPE,
    entries: () => listOutputEntries(deps, found),
  }
}

/**
 * Entries of all produced outputs, in descriptor order.
 * @param maxEntries limit for each output that is a folder
 * @throws ZipFormatError `limit-exceeded`
 */
export async function listOutputEntries(
  deps: Pick<Dependencies, 'objects'>,
  { run, task }: RunAndTask,
  maxEntries?: number,
): Promise<readonly ArchiveEntry[]> {
  const prefix = finishedPrefix(run)
  const sizes = new Map<string, number>()
  for await (const { key, sizeBytes } of deps.objects.list(prefix)) {
    sizes.set(key.slice(prefix.length), sizeBytes)
  }
  const folders = await packedFolders(deps, prefix)
  const entries = await Promise.all(
    task.outputs.map(async ({ name }) => {
      const sizeBytes = sizes.get(name)
      if (sizeBytes === undefined) return []
      const key = `${prefix}${name}`
      if (folders.has(name)) return folderEntries(deps, { key, sizeBytes }, maxEntries)
      return entriesOf(deps, name, { kind: 'object', key, sizeBytes })
    }),
  )
  return entries.flat()
}

/** Outputs that were folders and are stored as zips. */
async function packedFolders(
  deps: Pick<Dependencies, 'objects'>,
  prefix: string,
): Promise<ReadonlySet<string>> {
  const listing = await readStagedListing(deps, prefix)
  if (listing === undefined)
    throw nothingStored(STAGED_LISTING_NAME, [], 'the listing of the files of the run is no longer stored')
  return new Set(listing.entries.flatMap(({ name, kind }) => (kind === 'directory' ? [name] : [])))
}

const ONCE_FINISHED = 'outputs can be read once it is FINISHED'

function noOutputs({ state }: Run, parameterName: string, path: readonly number[] = []): DomainError {
  const words =
    state === 'FAILED'
      ? 'the run is FAILED, so it has no outputs; rejected-outputs.zip has the files that its task wrote'
      : `the run is ${state}; ${ONCE_FINISHED}`
  return nothingStored(parameterName, path, words)
}

function finishedPrefix(run: Run): string {
  if (run.state !== 'FINISHED' || run.outputsPrefix === undefined) {
    throw stateError(run.state, ONCE_FINISHED)
  }
  return run.outputsPrefix
}

async function outputFile(deps: Dependencies, name: string, prefix: string): Promise<StoredObject> {
  const key = `${prefix}${name}`
  const sizeBytes = await deps.objects.size(key)
  if (sizeBytes === undefined) throw nothingStored(name)
  return { kind: 'object', name, key, sizeBytes }
}
