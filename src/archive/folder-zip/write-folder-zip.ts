import { crc32 as checksumOf } from 'node:zlib'
import { dataDescriptor, directoryRecord, endRecords, entrySpan, localHeader } from './folder-zip-records.ts'

/** Range of an entry's content in the zip. */
export interface ContentPlace {
  readonly offset: number
  readonly sizeBytes: number
}

export interface FolderFile {
  /** Relative, with `/`. */
  readonly name: string
  readonly sizeBytes: number
}

export interface FolderFileContent {
  /**
   * Checksum to write before the content. Undefined: it is computed and written after the content; `openFolderZip`
   * refuses such a zip.
   */
  readonly crc32: number | undefined
  readonly bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

/** Minimum size of a chunk, to which small pieces are joined: a stream needs some microseconds for each chunk. */
const CHUNK_BYTES = 256 * 1024

/** Size in bytes of the zip that {@link writeFolderZip} writes for these files. */
export function folderZipSize(files: Iterable<FolderFile>): number {
  let [count, offset, directorySizeBytes] = [0, 0, 0]
  for (const { name, sizeBytes } of files) {
    // The record's length depends on offset and size, not on the checksum.
    directorySizeBytes += directoryRecord({ name: Buffer.from(name), sizeBytes, crc32: 0 }, offset).length
    offset += entrySpan(Buffer.byteLength(name), sizeBytes)
    count += 1
  }
  return (
    offset + directorySizeBytes + endRecords({ count, directorySizeBytes, directoryOffset: offset }).length
  )
}

/** Ranges of the contents in the zip that {@link writeFolderZip} writes for these files. */
export function* contentPlaces(files: Iterable<FolderFile>): Generator<[name: string, place: ContentPlace]> {
  let offset = 0
  for (const { name, sizeBytes } of files) {
    offset += entrySpan(Buffer.byteLength(name), sizeBytes)
    yield [name, { offset: offset - sizeBytes, sizeBytes }]
  }
}

/**
 * Writes a zip of uncompressed files in the given order, in O(n). Memory: 13 bytes a file, one chunk of 256 KiB, and
 * the buffers of the current file's `bytes`.
 * @throws Error when the size of a file differs from the announced one
 */
export async function* writeFolderZip<File extends FolderFile>(
  files: readonly File[],
  open: (file: File) => FolderFileContent | Promise<FolderFileContent>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const checksums = new Uint32Array(files.length)
  const streamed = new Uint8Array(files.length)
  const batch = new Batch()
  for (const [i, file] of files.entries()) {
    const { crc32, bytes } = await open(file)
    const isStreamed = crc32 === undefined
    const { name, sizeBytes } = file
    const header = { name: Buffer.from(name), sizeBytes, crc32: crc32 ?? 0, isStreamed }
    if (batch.add(localHeader(header))) yield batch.take()
    let writtenBytes = 0
    let checksum = 0
    for await (const chunk of bytes) {
      writtenBytes += chunk.length
      if (isStreamed) checksum = checksumOf(chunk, checksum)
      if (batch.add(chunk)) yield batch.take()
    }
    if (writtenBytes !== sizeBytes) {
      throw new Error(`${name} has ${writtenBytes} bytes instead of ${sizeBytes}`)
    }
    checksums[i] = crc32 ?? checksum
    streamed[i] = isStreamed ? 1 : 0
    if (isStreamed) batch.add(dataDescriptor({ sizeBytes, crc32: checksum }))
  }
  yield* writeDirectory(files, checksums, streamed, batch)
}

async function* writeDirectory(
  files: readonly FolderFile[],
  checksums: Uint32Array,
  streamed: Uint8Array,
  batch: Batch,
): AsyncGenerator<Uint8Array, void, undefined> {
  let [offset, directorySizeBytes] = [0, 0]
  for (const [i, { name, sizeBytes }] of files.entries()) {
    const entry = {
      name: Buffer.from(name),
      sizeBytes,
      crc32: checksums[i] ?? 0,
      isStreamed: streamed[i] === 1,
    }
    const record = directoryRecord(entry, offset)
    directorySizeBytes += record.length
    offset += entry.isStreamed
      ? localHeader(entry).length + sizeBytes + dataDescriptor(entry).length
      : entrySpan(entry.name.length, sizeBytes)
    if (batch.add(record)) yield batch.take()
  }
  batch.add(endRecords({ count: files.length, directorySizeBytes, directoryOffset: offset }))
  yield batch.take()
}

/** Buffer that joins small pieces. */
class Batch {
  #pieces: Uint8Array[] = []
  #sizeBytes = 0

  /** @returns whether the buffer is full */
  add(piece: Uint8Array): boolean {
    this.#pieces.push(piece)
    this.#sizeBytes += piece.length
    return this.#sizeBytes >= CHUNK_BYTES
  }

  take(): Buffer {
    const bytes = Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#sizeBytes = 0
    return bytes
  }
}
