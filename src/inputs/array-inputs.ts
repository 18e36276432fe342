import { Readable } from 'node:stream'
import type { ArchiveEntry } from '../archive/folder-zip/stored-zip.ts'
import { openZip } from '../archive/zip/read-zip.ts'
import { objectSource, openObject } from '../aws/object-source.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import { ARRAY_METADATA } from '../contract/staging.ts'
import { type FileContent, provisionOf, type Run } from '../run/run.ts'
import type { RunRepository } from '../run/run-repository.ts'
import { readAll } from '../shared/read-all.ts'
import { type ArrayType, arrayMetadata, isIndexName, sizeOf } from '../task/parameters/array.ts'
import type { ArrayFolder } from '../task/parameters/array-folder.ts'
import type { ParameterType } from '../task/task.ts'
import { itemName, itemProvisions, placeOf } from './array-provisions.ts'
import { folderEntries } from './folder-entries.ts'

interface Dependencies {
  readonly objects: ObjectStore
  readonly runs: RunRepository
}

/** A stored file or folder, with its name in the container or in a download. */
export type StoredFile = FileContent & { readonly name: string }

/** A file of an input, with the stored object that contains it. */
export type InputEntry = ArchiveEntry & { readonly object?: StoredFile }

/** Entries of a stored file or folder, with their names in the container. */
export async function entriesOf(
  deps: { readonly objects: ObjectStore },
  name: string,
  file: FileContent,
): Promise<readonly InputEntry[]> {
  switch (file.kind) {
    case 'inline': {
      const bytes = Buffer.from(file.text)
      return [{ name, sizeBytes: bytes.byteLength, bytes }]
    }
    case 'object':
      return [
        {
          name,
          sizeBytes: file.sizeBytes,
          open: () => openObject(deps.objects, file.key),
          object: { name, ...file },
        },
      ]
    case 'tree':
      return folderEntries(deps, file)
    case 'zip': {
      const zip = await openZip(objectSource(deps.objects, file))
      const object = { name, ...file }
      return zip.entries.map((entry) => ({
        name: `${name}/${entry.name}`,
        sizeBytes: entry.sizeBytes,
        open: async () => Readable.from(zip.read(entry)),
        object,
      }))
    }
  }
}

/**
 * Entries of an array input as the container sees them: the value that was provisioned as a whole, with the items that
 * replace parts of it, and `array.yml` at every level. Empty when nothing was provisioned.
 */
export async function arrayEntries(
  deps: Dependencies,
  run: Run,
  parameterName: string,
  type: ArrayType,
): Promise<ReadonlyMap<string, InputEntry>> {
  const entries = new Map<string, InputEntry>()
  const add = (added: readonly InputEntry[]): void => {
    for (const entry of added) entries.set(entry.name, entry)
  }
  const whole = provisionOf(run, parameterName)
  if (whole?.kind === 'value') {
    const value = await deps.runs.findInput(run.id, parameterName, whole.valueId)
    if (value === undefined) throw changed(parameterName)
    add(await entriesOf(deps, parameterName, value.file))
  }
  const items = itemProvisions(run, parameterName)
  if (items.size === 0) return entries
  const stored = new Map((await deps.runs.listInputs(run)).map((value) => [value.parameterName, value]))
  // Outer levels first: items may replace parts of a sub-array that was provisioned as a whole.
  for (const names of byDepth([...items.keys()].map((path) => `${parameterName}/${path}`))) {
    removeItems(entries, names)
    for (const name of names) {
      const value = stored.get(name)
      if (value === undefined) throw changed(parameterName)
      add(await entriesOf(deps, name, value.file))
      if (value.companion !== undefined) add(await entriesOf(deps, `${name}.geojson`, value.companion))
    }
  }
  writeMetadata(entries, parameterName, type)
  return entries
}

/** Error for a missing value: values exist as long as the run refers to them, so it was replaced. */
function changed(parameterName: string): Error {
  return new Error(`the input ${parameterName} was replaced while it was read`)
}

/** Groups names by depth, smallest depth first. */
function byDepth(names: readonly string[]): readonly ReadonlySet<string>[] {
  const depths = new Map<number, Set<string>>()
  for (const name of names) {
    const depth = name.split('/').length
    const known = depths.get(depth) ?? new Set()
    depths.set(depth, known.add(name))
  }
  return [...depths].sort(([a], [b]) => a - b).map(([, known]) => known)
}

/** Removes items of one depth, with the files below them and their companions, in one pass over the entries. */
function removeItems(entries: Map<string, ArchiveEntry>, names: ReadonlySet<string>): void {
  const [first = ''] = names
  const depth = first.split('/').length
  for (const known of entries.keys()) {
    const item = known.split('/', depth).join('/')
    if (names.has(item) || (item === known && names.has(item.replace(/\.geojson$/u, ''))))
      entries.delete(known)
  }
}

/**
 * Sizes of the levels above an item within the innermost array around it that was provisioned as a whole; undefined
 * when there is none, or the item is at the top level.
 */
export async function levelSizesAround(
  deps: Dependencies,
  run: Run,
  parameterName: string,
  path: readonly number[],
): Promise<readonly number[] | undefined> {
  if (path.length < 2) return undefined
  const { holder } = placeOf(run, parameterName, path.join('/'))
  if (holder === undefined) return undefined
  const value = await deps.runs.findInput(run.id, holder.name, holder.valueId)
  const entries = value === undefined ? [] : await entriesOf(deps, holder.name, value.file)
  const names = entries.map(({ name }) => name)
  return path.slice(1).map((_, depth) => {
    const folder = itemName(parameterName, path.slice(0, depth + 1))
    return folder.length < holder.name.length ? 0 : childIndexes(names, folder).size
  })
}

function childIndexes(names: readonly string[], folder: string): ReadonlySet<number> {
  const start = `${folder}/`
  const indexes = new Set<number>()
  for (const name of names) {
    if (!name.startsWith(start)) continue
    const [child = ''] = name.slice(start.length).split('/', 1)
    if (isIndexName(child)) indexes.add(Number(child))
  }
  return indexes
}

/** Writes `array.yml` of each level from its items: the size is the highest index plus one. */
function writeMetadata(entries: Map<string, ArchiveEntry>, parameterName: string, type: ArrayType): void {
  const levels = new Map<string, Set<number>>([[parameterName, new Set()]])
  for (const name of entries.keys()) {
    let folder = parameterName
    let level: ParameterType = type
    for (const child of name.slice(parameterName.length + 1).split('/')) {
      if (level.id !== 'array' || !isIndexName(child)) break
      const indexes = levels.get(folder) ?? new Set()
      levels.set(folder, indexes.add(Number(child)))
      folder = `${folder}/${child}`
      level = level.subType
    }
  }
  for (const [folder, indexes] of levels) {
    const name = `${folder}/${ARRAY_METADATA}`
    const bytes = Buffer.from(arrayMetadata(sizeOf(indexes)))
    entries.set(name, { name, sizeBytes: bytes.byteLength, bytes })
  }
}

/** View of an array's folder for the array's reader, with paths relative to the array. */
export function arrayFolder(entries: ReadonlyMap<string, ArchiveEntry>, parameterName: string): ArrayFolder {
  const start = `${parameterName}/`
  return {
    paths: [...entries.keys()].map((name) => name.slice(start.length)),
    async text(path) {
      const entry = entries.get(`${start}${path}`)
      if (entry === undefined) throw new Error(`there is no file ${start}${path}`)
      return entryText(entry)
    },
  }
}

/** Content of an entry in memory. */
export async function readEntry(entry: ArchiveEntry): Promise<Buffer> {
  return 'bytes' in entry ? entry.bytes : readAll(await entry.open())
}

export async function entryText(entry: ArchiveEntry): Promise<string> {
  return (await readEntry(entry)).toString('utf8')
}
