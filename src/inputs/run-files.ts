import { Readable } from 'node:stream'
import type { ArchiveEntry } from '../archive/folder-zip/stored-zip.ts'
import type { ContentPlace } from '../archive/folder-zip/write-folder-zip.ts'
import { openObject } from '../aws/object-source.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import { DomainError, parameterError } from '../contract/errors.ts'
import { parameterNamed, unknownParameter } from '../run/find-run.ts'
import type { ArrayType } from '../task/parameters/array.ts'
import type { TaskInput } from '../task/task.ts'
import type { StoredFile } from './array-inputs.ts'
import type { PreparedPlace } from './prepared-file.ts'
import { noArray, requireIndexPath } from './provision-array.ts'

/*
 * Downloads of a run, and helpers shared by its inputs and outputs.
 */

/** A file that is part of another one; a large one is stored under its key before the download. */
interface FilePart extends PreparedPlace {
  readonly kind: 'part'
  readonly entry: ArchiveEntry
}

/** Files that are downloaded as one zip; a large one is stored under its key before the download. */
export interface Packing extends PreparedPlace {
  readonly kind: 'packing'
  /** Opens the entries, at least one. */
  readonly entries: () => Promise<readonly ArchiveEntry[]>
}

export type Download = StoredFile | FilePart | Packing

/** Media type of files and zips, whatever their content (http-api 5.20 to 5.22). */
export const BYTES_TYPE = 'application/octet-stream'

/** @throws DomainError INTERNAL_PARAMETER_DOES_NOT_EXIST */
export function requireNamed<Named extends { readonly name: string }>(
  parameters: readonly Named[],
  parameterName: string,
): Named {
  const found = parameterNamed(parameters, parameterName)
  if (found === undefined) throw unknownParameter(parameterName, parameters)
  return found
}

/**
 * Error for `<parameter>.geojson` of a parameter that is not a geometry and has no companion. The reference answers with
 * the parameter's file under a wrong media type (calibration 16).
 */
export function noGeojson(parameterName: string): DomainError {
  return parameterError('INTERNAL_PARAMETER_DOES_NOT_EXIST', `${parameterName}.geojson`)
}

/** Finds the array and the item that `indexes?value=` names. */
export function requireItem(
  parameters: readonly Pick<TaskInput, 'name' | 'type'>[],
  parameterName: string,
  indexes: string | undefined,
): { readonly name: string; readonly type: ArrayType; readonly path: readonly number[] } {
  const { name, type } = requireNamed(parameters, parameterName)
  if (type.id !== 'array') throw noArray(type, name)
  return { name, type, path: requireIndexPath(indexes, name) }
}

/** Entry over a range of the zip at `key`. */
export function placedEntry(
  deps: { readonly objects: ObjectStore },
  key: string,
  name: string,
  { offset, sizeBytes }: ContentPlace,
): ArchiveEntry {
  return {
    name,
    sizeBytes,
    async open() {
      const body = await deps.objects.read(key, { start: offset, length: sizeBytes })
      if (body === undefined) throw nothingStored(name, [], 'it is no longer stored')
      return body
    },
  }
}

/**
 * An item of an array: one file, or the files of a folder with names relative to the array's (http-api 5.21).
 * @param entries of the array, or a part of them that contains the item's
 * @throws DomainError STORAGE_READING_FILE_FAILED when there is no such item
 */
export function itemDownload(
  entries: readonly ArchiveEntry[],
  parameterName: string,
  path: readonly number[],
  place: PreparedPlace,
): Download {
  const item = `${parameterName}/${path.join('/')}`
  const found = entries
    .filter(({ name }) => name === item || name.startsWith(`${item}/`))
    .map((entry) => ({ ...entry, name: entry.name.slice(parameterName.length + 1) }))
  const [only] = found
  if (only === undefined) throw nothingStored(parameterName, path)
  if (found.length === 1 && only.name === path.join('/')) return { kind: 'part', ...place, entry: only }
  return { kind: 'packing', ...place, entries: async () => found }
}

/**
 * The contract fixes message and description (http-api 5.20), which do not say what is wrong.
 * @param path of an item of the parameter's array
 * @param words what is wrong
 */
export function nothingStored(
  parameterName: string,
  path: readonly number[] = [],
  words = path.length === 0 ? 'the run has no value of it' : 'the array has no such item',
): DomainError {
  const description = `Failed to read file ${[parameterName, ...path].join('/')}`
  return new DomainError(
    'STORAGE_READING_FILE_FAILED',
    { type: 'related', parameterName, description },
    { words, item: path.join('/') },
  )
}

/** Content of a stored file, or the zip of a folder. */
export async function openFile(deps: { readonly objects: ObjectStore }, file: StoredFile): Promise<Readable> {
  return file.kind === 'inline' ? Readable.from([Buffer.from(file.text)]) : openObject(deps.objects, file.key)
}
