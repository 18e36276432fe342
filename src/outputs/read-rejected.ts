import type { ArchiveEntry } from '../archive/folder-zip/stored-zip.ts'
import { ZipFormatError } from '../archive/zip/zip-format-error.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import { DomainError } from '../contract/errors.ts'
import { STAGED_LISTING_NAME } from '../contract/staging.ts'
import { runOutputsRoot } from '../contract/storage-keys.ts'
import { entriesOf } from '../inputs/array-inputs.ts'
import { folderEntries } from '../inputs/folder-entries.ts'
import { MAX_COPIED_BYTES, MAX_COPIED_FILES, preparedOutputKey } from '../inputs/prepared-file.ts'
import { BYTES_TYPE, type Packing } from '../inputs/run-files.ts'
import { findRunAndTask, type Repositories, stateError } from '../run/find-run.ts'
import type { Run } from '../run/run.ts'
import { ignoring } from '../shared/ignoring.ts'
import { readStagedListing } from './left-files.ts'

interface Dependencies extends Repositories {
  readonly objects: ObjectStore
}

/** File with facts about the run. Parameter names have no dot, so no output has this name. */
const FACTS_NAME = 'rejected.json'

/** An output file of a failed run in the bucket. */
interface RejectedFile {
  readonly name: string
  readonly key: string
  readonly sizeBytes: number
}

/**
 * Packs the rejected outputs of a failed run for its author, those of a task that failed included: the files of its
 * last job attempt, and `rejected.json` with the error, the names of all files of the output folder, and those left
 * out. At most {@link MAX_COPIED_FILES} files with {@link MAX_COPIED_BYTES} in total are packed. A folder with more
 * files than that is packed as one file, its zip, because the names of a million files do not fit into memory. None of
 * them is an output of the run.
 * @throws DomainError RUN_NOT_FOUND, INTERNAL_INVALID_TASK_RUN_STATE, INTERNAL_PROVISIONS_NOT_FOUND when no file was
 * uploaded
 */
export async function packRejectedOutputs(deps: Dependencies, runId: string): Promise<Packing> {
  const { run } = await findRunAndTask(deps, runId)
  if (run.state !== 'FAILED') throw stateError(run.state, 'rejected outputs can be read once it is FAILED')
  return {
    kind: 'packing',
    key: preparedOutputKey(run, 'rejected-outputs.zip'),
    name: `rejected-outputs-${runId}.zip`,
    contentType: BYTES_TYPE,
    entries: () => listRejected(deps, run),
  }
}

async function listRejected(deps: Dependencies, run: Run): Promise<readonly ArchiveEntry[]> {
  const files = await findFiles(deps, run)
  if (files.length === 0) {
    const words = 'the run uploaded no output: it failed before that step'
    throw new DomainError('INTERNAL_PROVISIONS_NOT_FOUND', undefined, { words })
  }
  const staged = files.find(({ name }) => name === STAGED_LISTING_NAME)
  const listing =
    staged === undefined ? undefined : await readStagedListing(deps, staged.key.slice(0, -staged.name.length))
  const folders = new Set(listing?.entries.flatMap(({ name, kind }) => (kind === 'directory' ? [name] : [])))
  const taken: ArchiveEntry[] = []
  const leftOut: string[] = []
  let bytes = 0
  for (const file of files.filter((one) => one !== staged)) {
    const isFolder = folders.has(file.name)
    const entries = await unpacked(deps, file, { isFolder, maxEntries: MAX_COPIED_FILES - taken.length })
    for (const entry of entries) {
      const fits = taken.length < MAX_COPIED_FILES && bytes + entry.sizeBytes <= MAX_COPIED_BYTES
      if (!fits) {
        leftOut.push(entry.name)
        continue
      }
      taken.push(entry)
      bytes += entry.sizeBytes
    }
  }
  const facts = {
    error: run.failure,
    outputFolder: listing ?? null,
    leftOut: leftOut.slice(0, MAX_COPIED_FILES),
  }
  const text = Buffer.from(`${JSON.stringify(facts, null, 2)}\n`)
  return [{ name: FACTS_NAME, sizeBytes: text.length, bytes: text }, ...taken]
}

/** Files of the run's last job attempt, without files that were prepared for downloads and without posted outputs. */
async function findFiles(deps: Dependencies, run: Run): Promise<readonly RejectedFile[]> {
  const root = runOutputsRoot(run.id)
  const byAttempt = new Map<number, RejectedFile[]>()
  const place = new RegExp(`^${run.job?.attempt ?? 1}-([1-9][0-9]*)/([^/]+)$`, 'u')
  for await (const { key, sizeBytes } of deps.objects.list(root)) {
    const [, attempt = '', name = ''] = place.exec(key.slice(root.length)) ?? []
    if (name === '' || (name.includes('.') && name !== STAGED_LISTING_NAME)) continue
    const files = byAttempt.get(Number(attempt)) ?? []
    files.push({ name, key, sizeBytes })
    byAttempt.set(Number(attempt), files)
  }
  const last = Math.max(...byAttempt.keys())
  return (byAttempt.get(last) ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Files of a folder, which is stored as a zip; the zip itself when it cannot be read or has too many entries. */
async function unpacked(
  deps: Dependencies,
  { name, key, sizeBytes }: RejectedFile,
  { isFolder, maxEntries }: { readonly isFolder: boolean; readonly maxEntries: number },
): Promise<readonly ArchiveEntry[]> {
  const asFile = (entryName: string) => entriesOf(deps, entryName, { kind: 'object', key, sizeBytes })
  if (!isFolder) return await asFile(name)
  const entries = await ignoring(folderEntries(deps, { key, sizeBytes }, maxEntries), ZipFormatError)
  return entries ?? (await asFile(`${name}.zip`))
}
