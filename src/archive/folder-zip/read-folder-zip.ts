import { crc32 } from 'node:zlib'
import { quoted } from '../../contract/quoted.ts'
import type { ByteSource } from '../../shared/byte-source.ts'
import { readAll } from '../../shared/read-all.ts'
import { corruptZip, requireChecksum, ZipFormatError } from '../zip/zip-format-error.ts'
import type { ZipLimits } from '../zip/zip-records.ts'
import { DIRECTORY_RECORD_BYTES, END_BYTES } from '../zip-format.ts'
import { folderNameProblem } from './folder-zip-name.ts'
import {
  directoryRecord,
  directoryRecordBytes,
  entrySpan,
  type FolderZipEnd,
  localHeader,
  MAX_END_BYTES,
  readDirectoryRecord,
  readEndRecords,
} from './folder-zip-records.ts'
import { ForwardReader } from './forward-reader.ts'
import type { ContentPlace } from './write-folder-zip.ts'

/** A zip in the form of {@link writeFolderZip}, its directory read and checked. */
export interface FolderZip {
  /** Names in directory order, which is the order of the contents. */
  readonly names: Iterable<string>
  /** Undefined when there is no such entry. */
  place(name: string): ContentPlace | undefined
  /**
   * Content of an entry, its header and checksum verified. Entries that are read in directory order share one request.
   * @throws ZipFormatError
   */
  read(name: string): Promise<Buffer>
  /** Closes the source. */
  close(): void
}

/**
 * Reads the directory of a folder's zip with two requests. Any deviation from the form of {@link writeFolderZip} is refused: its entries
 * are contiguous from the first byte to the directory, so that none overlap. Memory: about 150 bytes an entry.
 * @throws ZipFormatError
 */
export async function openFolderZip(source: ByteSource, limits: ZipLimits): Promise<FolderZip> {
  const end = await readEnd(source, limits)
  const directory = await readDirectory(source, end, limits)
  const reader = new ForwardReader(source, end.directoryOffset)
  return {
    // A new iterator for each caller.
    get names() {
      return directory.numbers.keys()
    },
    place: (name) => {
      const number = directory.numbers.get(name)
      return number === undefined ? undefined : placeOf(directory, number)
    },
    async read(name) {
      const number = directory.numbers.get(name)
      if (number === undefined) throw new Error(`${name} is not an entry of this archive`)
      const [start, size] = [directory.offsets[number] ?? 0, directory.sizes[number] ?? 0]
      const record = await reader.read(start, (directory.offsets[number + 1] ?? 0) - start)
      const content = record.subarray(record.length - size)
      const entry = { name: Buffer.from(name), sizeBytes: size, crc32: directory.checksums[number] ?? 0 }
      if (!record.subarray(0, record.length - size).equals(localHeader(entry))) {
        throw corruptZip(`the header of ${quoted(name)} differs from the directory`)
      }
      requireChecksum(name, crc32(content), entry.crc32)
      return content
    },
    close: () => reader.close(),
  }
}

/** Entry numbers by name, with offsets and sizes by number. */
interface Directory {
  readonly numbers: ReadonlyMap<string, number>
  /** One element more than there are entries: the last one is the end of the last entry. */
  readonly offsets: Float64Array
  readonly sizes: Float64Array
  readonly checksums: Uint32Array
}

function placeOf({ offsets, sizes }: Directory, number: number): ContentPlace {
  const sizeBytes = sizes[number] ?? 0
  return { offset: (offsets[number + 1] ?? 0) - sizeBytes, sizeBytes }
}

async function readEnd(source: ByteSource, limits: ZipLimits): Promise<FolderZipEnd> {
  const tailBytes = Math.min(MAX_END_BYTES, source.sizeBytes)
  const tail =
    tailBytes === 0
      ? Buffer.alloc(0)
      : await readAll(await source.read(source.sizeBytes - tailBytes, tailBytes))
  const end = readEndRecords(tail)
  if (end === undefined) throw new ZipFormatError('not-a-zip', 'the file is not a zip of a folder')
  if (end.count > limits.maxEntries) {
    throw new ZipFormatError(
      'limit-exceeded',
      `the zip archive has ${end.count} entries; at most ${limits.maxEntries} are allowed`,
    )
  }
  const directoryEnd = end.directoryOffset + end.directorySizeBytes
  const isComplete = directoryEnd + endBytes(end, tail) === source.sizeBytes
  const largest = end.count * (DIRECTORY_RECORD_BYTES + limits.maxNameBytes + 28)
  if (!isComplete || end.directorySizeBytes > largest)
    throw corruptZip('its directory is not at the expected offset')
  return end
}

function endBytes(end: FolderZipEnd, tail: Buffer): number {
  const withZip64 =
    end.count >= 0xffff || end.directorySizeBytes >= 0xffffffff || end.directoryOffset >= 0xffffffff
  return withZip64 ? Math.min(MAX_END_BYTES, tail.length) : END_BYTES
}

async function readDirectory(
  source: ByteSource,
  { count, directoryOffset, directorySizeBytes }: FolderZipEnd,
  limits: ZipLimits,
): Promise<Directory> {
  const offsets = new Float64Array(count + 1)
  const sizes = new Float64Array(count)
  const checksums = new Uint32Array(count)
  const numbers = new Map<string, number>()
  const directoryEnd = directoryOffset + directorySizeBytes
  const reader = new ForwardReader(source, directoryEnd)
  let position = directoryOffset
  let offset = 0
  try {
    for (let number = 0; number < count; number += 1) {
      const fixed = await reader.peek(position, DIRECTORY_RECORD_BYTES)
      const record = await reader.read(position, directoryRecordBytes(fixed))
      position += record.length
      const entry = readDirectoryRecord(record)
      if (!directoryRecord(entry, offset).equals(record))
        throw corruptZip('its directory has an irregular record')
      if (entry.sizeBytes > limits.maxEntryBytes || entry.name.length > limits.maxNameBytes) {
        throw new ZipFormatError('limit-exceeded', 'the zip archive has an entry that exceeds the limits')
      }
      const name = safeName(entry.name)
      if (numbers.has(name))
        throw new ZipFormatError('duplicate-name', `two entries are named ${quoted(name)}`)
      numbers.set(name, number)
      offsets[number] = offset
      sizes[number] = entry.sizeBytes
      checksums[number] = entry.crc32
      offset += entrySpan(entry.name.length, entry.sizeBytes)
    }
  } finally {
    reader.close()
  }
  offsets[count] = offset
  if (position !== directoryEnd || offset !== directoryOffset) throw corruptZip('its sizes do not add up')
  return { numbers, offsets, sizes, checksums }
}

function safeName(bytes: Buffer): string {
  const problem = folderNameProblem(bytes, Number.POSITIVE_INFINITY)
  if (problem !== undefined) throw new ZipFormatError('unsafe-name', problem)
  return bytes.toString()
}
