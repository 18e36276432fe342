import { Readable } from 'node:stream'
import {
  ARRAY_METADATA,
  type ArrayFolder,
  type ArrayType,
  arrayMetadata,
} from '../domain/parameters/array.ts'
import { itemProvisions } from '../domain/run/array-provisions.ts'
import { type FileContent, provisionOf, type Run } from '../domain/run/run.ts'
import type { ParameterType } from '../domain/task/task.ts'
import { openZip, type ZipLimits } from '../formats/zip/read-zip.ts'
import type { ArchiveEntry } from '../formats/zip/stored-zip.ts'
import type { ObjectStore, RunRepository } from '../ports.ts'
import { objectSource } from './object-source.ts'

interface Dependencies {
  readonly objects: ObjectStore
  readonly runs: RunRepository
}

/** Trees are made by us, or by the stager, and an array of 100 000 items is one. */
export const TREE_LIMITS: ZipLimits = {
  maxEntries: 1_100_000,
  maxNameBytes: 4096,
  maxEntryBytes: 200 * 1024 ** 3,
}

/** Entries of a stored file or folder, names as the container knows them. */
export async function entriesOf(
  deps: { readonly objects: ObjectStore },
  name: string,
  file: FileContent,
): Promise<readonly ArchiveEntry[]> {
  switch (file.kind) {
    case 'inline': {
      const bytes = Buffer.from(file.text)
      return [{ name, sizeBytes: bytes.byteLength, bytes }]
    }
    case 'object':
      return [{ name, sizeBytes: file.sizeBytes, open: () => openObject(deps, file.key) }]
    case 'tree': {
      const zip = await openZip(objectSource(deps.objects, file.key, file.sizeBytes), TREE_LIMITS)
      return zip.entries.map((entry) => ({ ...entry, open: async () => Readable.from(zip.read(entry)) }))
    }
  }
}

async function openObject(deps: { readonly objects: ObjectStore }, key: string): Promise<Readable> {
  const body = await deps.objects.read(key)
  if (body === undefined) throw new Error(`object ${key} is gone`)
  return body
}

/**
 * The folder of an array input as the container finds it: what was given whole, items laid over it, `array.yml` at every level.
 * Empty when nothing was given.
 */
export async function arrayEntries(
  deps: Dependencies,
  run: Run,
  parameterName: string,
  type: ArrayType,
): Promise<ReadonlyMap<string, ArchiveEntry>> {
  const entries = new Map<string, ArchiveEntry>()
  const add = (added: readonly ArchiveEntry[]): void => {
    for (const entry of added) entries.set(entry.name, entry)
  }
  const whole = provisionOf(run, parameterName)
  if (whole?.kind === 'value') {
    const value = await deps.runs.findInput(run.id, parameterName, whole.valueId)
    if (value !== undefined) add(await entriesOf(deps, parameterName, value.file))
  }
  const items = itemProvisions(run, parameterName)
  if (items.size === 0) return entries
  const stored = new Map((await deps.runs.listInputs(run)).map((value) => [value.parameterName, value]))
  // Shorter paths first: a sub-array that came whole may have got items of its own afterwards.
  for (const path of [...items.keys()].sort((a, b) => a.length - b.length)) {
    const name = `${parameterName}/${path}`
    const value = stored.get(name)
    if (value === undefined) continue
    for (const known of entries.keys()) {
      if (known === name || known === `${name}.geojson` || known.startsWith(`${name}/`)) entries.delete(known)
    }
    add(await entriesOf(deps, name, value.file))
    if (value.companion !== undefined) add(await entriesOf(deps, `${name}.geojson`, value.companion))
  }
  writeMetadata(entries, parameterName, type)
  return entries
}

/** `array.yml` of each level from the items that are there: the highest index counts. */
function writeMetadata(entries: Map<string, ArchiveEntry>, folder: string, type: ParameterType): void {
  if (type.id !== 'array') return
  const indexes = new Set<number>()
  for (const name of entries.keys()) {
    const index = name.startsWith(`${folder}/`) ? name.slice(folder.length + 1).split('/')[0] : undefined
    if (index !== undefined && /^\d+$/u.test(index)) indexes.add(Number(index))
  }
  const name = `${folder}/${ARRAY_METADATA}`
  const bytes = Buffer.from(arrayMetadata(Math.max(-1, ...indexes) + 1))
  entries.set(name, { name, sizeBytes: bytes.byteLength, bytes })
  for (const index of indexes) writeMetadata(entries, `${folder}/${index}`, type.subType)
}

/** Entries of an array's folder as the array's reader wants them, names cut to their paths in it. */
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

/** Bytes of an entry as text. */
export async function entryText(entry: ArchiveEntry): Promise<string> {
  if ('bytes' in entry) return entry.bytes.toString('utf8')
  const chunks: Buffer[] = []
  for await (const chunk of await entry.open()) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks).toString('utf8')
}
