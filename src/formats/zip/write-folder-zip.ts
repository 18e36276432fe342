import { directoryRecord, endRecords, entrySpan, localHeader } from './folder-zip-records.ts'

/** Where an entry's content lies in the zip. */
export interface ContentPlace {
  readonly offset: number
  readonly sizeBytes: number
}

/** A file that goes into the zip. */
export interface FolderFile {
  /** Relative, with `/`. */
  readonly name: string
  readonly sizeBytes: number
}

/** Its bytes; the checksum stands before them. */
export interface FolderFileContent {
  readonly crc32: number
  readonly bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

/** Small pieces go out together: a stream takes some microseconds for each. */
const CHUNK_BYTES = 256 * 1024

/** Size of the zip that {@link writeFolderZip} makes of these files. */
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

/** Where the contents of these files lie in the zip that {@link writeFolderZip} makes of them. */
export function* contentPlaces(files: Iterable<FolderFile>): Generator<[name: string, place: ContentPlace]> {
  let offset = 0
  for (const { name, sizeBytes } of files) {
    offset += entrySpan(Buffer.byteLength(name), sizeBytes)
    yield [name, { offset: offset - sizeBytes, sizeBytes }]
  }
}

/**
 * A zip of files in the order given, uncompressed. Memory is 12 bytes a file, one chunk of 256 KiB and what a content holds.
 * @throws Error when a file has another size than announced
 */
export async function* writeFolderZip<File extends FolderFile>(
  files: readonly File[],
  open: (file: File) => FolderFileContent | Promise<FolderFileContent>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const checksums = new Uint32Array(files.length)
  const batch = new Batch()
  let offset = 0
  for (const [i, file] of files.entries()) {
    const { crc32, bytes } = await open(file)
    checksums[i] = crc32
    const header = localHeader({ name: Buffer.from(file.name), sizeBytes: file.sizeBytes, crc32 })
    if (batch.add(header)) yield batch.take()
    let sizeBytes = 0
    for await (const chunk of bytes) {
      sizeBytes += chunk.length
      if (batch.add(chunk)) yield batch.take()
    }
    if (sizeBytes !== file.sizeBytes) {
      throw new Error(`${file.name} has ${sizeBytes} bytes instead of ${file.sizeBytes}`)
    }
    offset += header.length + sizeBytes
  }
  const directoryOffset = offset
  let directorySizeBytes = 0
  offset = 0
  for (const [i, { name, sizeBytes }] of files.entries()) {
    const entry = { name: Buffer.from(name), sizeBytes, crc32: checksums[i] ?? 0 }
    const record = directoryRecord(entry, offset)
    directorySizeBytes += record.length
    offset += entrySpan(entry.name.length, sizeBytes)
    if (batch.add(record)) yield batch.take()
  }
  batch.add(endRecords({ count: files.length, directorySizeBytes, directoryOffset }))
  yield batch.take()
}

/** Pieces that wait to be sent as one. */
class Batch {
  #pieces: Uint8Array[] = []
  #sizeBytes = 0

  /** @returns whether there is enough to send. */
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
