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
 * What can be downloaded of a run, and what reading its inputs and outputs share.
 */

/** A file that is a part of another one; a large one is kept at its place to be downloaded. */
interface FilePart extends PreparedPlace {
  readonly kind: 'part'
  readonly entry: ArchiveEntry
}

/** Files that are downloaded as one zip; a large one is kept at its place. */
export interface Packing extends PreparedPlace {
  readonly kind: 'packing'
  /** At least one. */
  readonly entries: () => Promise<readonly ArchiveEntry[]>
}

export type Download = StoredFile | FilePart | Packing

/** Media type of files and zips, whatever is in them (http-api 5.20 to 5.22). */
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
 * `<parameter>.geojson`, where there is none: the parameter is no geometry, and no place was given with it.
 * The reference answers with the parameter's file under a type that it does not have (calibration 16).
 */
export function noGeojson(parameterName: string): DomainError {
  return parameterError('INTERNAL_PARAMETER_DOES_NOT_EXIST', `${parameterName}.geojson`)
}

/** The array, and the place in it, that `indexes?value=` names. */
export function requireItem(
  parameters: readonly Pick<TaskInput, 'name' | 'type'>[],
  parameterName: string,
  indexes: string | undefined,
): { readonly name: string; readonly type: ArrayType; readonly path: readonly number[] } {
  const { name, type } = requireNamed(parameters, parameterName)
  if (type.id !== 'array') throw noArray(type, name)
  return { name, type, path: requireIndexPath(indexes, name) }
}

/** Where a file lies in the zip at `key`, as an entry. */
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
      if (body === undefined) throw nothingStored(name)
      return body
    },
  }
}

/**
 * An item of an array: one file as it is, or the files of a folder with names relative to the array's (http-api 5.21).
 * @param entries of the array, or some that the item's are among
 * @throws DomainError STORAGE_READING_FILE_FAILED when it is not there
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

/** @param path of an item of the array that the parameter is */
export function nothingStored(parameterName: string, path: readonly number[] = []): DomainError {
  return new DomainError('STORAGE_READING_FILE_FAILED', {
    type: 'related',
    parameterName,
    description: `Failed to read file ${[parameterName, ...path].join('/')}`,
  })
}

/** A stored file's bytes; of a folder, its zip. */
export async function openFile(deps: { readonly objects: ObjectStore }, file: StoredFile): Promise<Readable> {
  return file.kind === 'inline' ? Readable.from([Buffer.from(file.text)]) : openObject(deps.objects, file.key)
}
