import { pipeline, Readable } from 'node:stream'
import { crc32, createInflateRaw } from 'node:zlib'
import yauzl from 'yauzl'
import { quoted } from '../../contract/quoted.ts'
import { type ByteSource, sectionOf } from '../../shared/byte-source.ts'
import { inPieces } from '../../shared/in-pieces.ts'
import { readAtMost } from '../../shared/read-all.ts'
import { DEFLATED, STORED } from '../zip-format.ts'
import { Bunzip2 } from './bunzip2.ts'
import { DecodeError } from './decode-error.ts'
import { decodeEntry, type EntryDecoder } from './entry-decoder.ts'
import type { ZipRecord } from './entry-places.ts'
import { WRAP } from './entry-places.ts'
import { requireZipStart, START_BYTES, splitArchive } from './foreign-file.ts'
import { Inflate64 } from './inflate64.ts'
import { locateContent } from './local-header.ts'
import { RangedReader } from './ranged-reader.ts'
import { type StoredEntry, storedEntry } from './stored-entry.ts'
import { isSystemFile } from './system-files.ts'
import { findDirectory } from './zip-end.ts'
import {
  corruptEntry,
  corruptZip,
  encryptedZip,
  requireChecksum,
  ZipFormatError,
} from './zip-format-error.ts'
import { readRecords, type ZipLimits } from './zip-records.ts'

const DEFAULT_LIMITS: ZipLimits = {
  maxEntries: 10_000,
  maxNameBytes: 1024,
  // The largest disk of a Fargate task: a larger image cannot run.
  maxEntryBytes: 200 * 1024 ** 3,
}

export interface ZipEntry {
  /** Relative, with `/`, without `.` or `..` segments. */
  readonly name: string
  /**
   * Uncompressed size from the directory; the smallest possible size where the directory gives it modulo 2³² (Finder,
   * compressed files over 4 GiB).
   */
  readonly sizeBytes: number
}

/** An archive whose directory was read and validated. */
export interface ZipArchive {
  /** Files in directory order, without folders and the files of file managers (`__MACOSX/`, `Thumbs.db`). */
  readonly entries: readonly ZipEntry[]
  /**
   * Streams the uncompressed content; memory is a few MiB.
   * @throws ZipFormatError when size or CRC-32 are wrong
   */
  read(entry: ZipEntry): AsyncGenerator<Uint8Array, void, undefined>
  /**
   * Random access to the content of an uncompressed entry; undefined for others.
   * @throws ZipFormatError
   */
  stored(entry: ZipEntry): Promise<StoredEntry | undefined>
}

// Node's default of 16 KiB halves the throughput.
const INFLATE_CHUNK_BYTES = 1024 * 1024

/** Methods that zlib does not support: deflate64 of Windows Explorer, bzip2 of 7-Zip and Python. */
const DECODERS: Readonly<Record<number, () => EntryDecoder>> = {
  9: () => new Inflate64(),
  12: () => new Bunzip2(),
}
/** Names of unsupported methods (PKWARE APPNOTE 6.3.10, 4.4.5). */
const METHODS: Readonly<Record<number, string>> = {
  1: 'shrink',
  6: 'implode',
  14: 'LZMA',
  20: 'zstd',
  93: 'zstd',
  95: 'xz',
  98: 'PPMd',
}

/**
 * Reads the directory of a zip, zip64 included, with a few ranged reads.
 * @throws ZipFormatError when it is not a zip, damaged or hostile
 */
export async function openZip(source: ByteSource, limits: ZipLimits = DEFAULT_LIMITS): Promise<ZipArchive> {
  const reader = new RangedReader(source)
  const { sizeBytes } = source
  const start = requireZipStart(await reader.bytes(0, Math.min(START_BYTES, sizeBytes)))
  const directory = await findDirectory(reader, sizeBytes).catch((error: unknown) => {
    // Only the last part of a split archive has end records.
    throw start > 0 ? splitArchive('the first part') : error
  })
  const records = await translated(reader, async () => {
    const { offset, count } = directory
    const zip = new yauzl.ZipFile(reader, offset, sizeBytes, count, '', false, true, false, true)
    return await readRecords(zip, reader, { directory, start, sizeBytes, limits })
  })
  const locate = async ({ name }: ZipEntry) => {
    const record = records.get(name)
    if (record === undefined) throw new Error(`${name} is not an entry of this archive`)
    requireContent(record)
    return { record, start: await locateContent(reader, record) }
  }
  return {
    entries: [...records.values()].filter(({ name }) => !name.endsWith('/') && !isSystemFile(name)),
    async stored(entry) {
      const { record, start } = await locate(entry)
      if (record.method !== STORED) return undefined
      return storedEntry(record.name, sectionOf(source, start, record.compressedBytes), record.crc32)
    },
    async *read(entry) {
      const { record, start } = await locate(entry)
      const isEmpty = record.compressedBytes === 0
      const raw = isEmpty ? Readable.from([]) : await source.read(start, record.compressedBytes)
      yield* checked(record, record.method === STORED ? raw : inflated(record, raw))
    },
  }
}

/**
 * Reads a small entry into a buffer.
 * @throws ZipFormatError also when it is larger than `maxBytes`
 */
export async function readZipEntry(archive: ZipArchive, entry: ZipEntry, maxBytes: number): Promise<Buffer> {
  if (entry.sizeBytes > maxBytes) throw tooLargeToRead(entry.name, String(entry.sizeBytes), maxBytes)
  return readAtMost(archive.read(entry), maxBytes, () =>
    tooLargeToRead(entry.name, `over ${maxBytes}`, maxBytes),
  )
}

function tooLargeToRead(name: string, has: string, maxBytes: number): ZipFormatError {
  return new ZipFormatError(
    'limit-exceeded',
    `the zip entry ${quoted(name)} has ${has} bytes; at most ${maxBytes} are allowed: make it smaller`,
  )
}

function requireContent({ name, method, isLink }: ZipRecord): void {
  if (isLink) {
    throw new ZipFormatError(
      'link',
      `the zip entry ${quoted(name)} is a symbolic link; zip the file itself (without the option -y)`,
    )
  }
  if (method === STORED || method === DEFLATED || method in DECODERS) return
  const known = METHODS[method] ?? `method ${method}`
  throw new ZipFormatError(
    'unsupported-method',
    `the zip entry ${quoted(name)} is compressed with ${known}; zip it with deflate, or store it`,
  )
}

async function* inflated(record: ZipRecord, raw: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = DECODERS[record.method]?.()
  if (decoder !== undefined) return yield* decodeEntry(decoder, inPieces(raw))
  const inflater = createInflateRaw({ chunkSize: INFLATE_CHUNK_BYTES })
  // The callback does nothing: pipeline destroys the inflater with the same error, and its reader receives that.
  yield* pipeline(inPieces(raw), inflater, () => {})
  const left = record.compressedBytes - inflater.bytesWritten
  if (left > 0) throw corruptEntry(record.name, `has ${left} bytes after the end of its content`)
}

async function* checked(
  { name, ...record }: ZipRecord,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let crc = 0
  let sizeBytes = 0
  try {
    for await (const chunk of bytes) {
      sizeBytes += chunk.length
      if (sizeBytes > record.maxSizeBytes) {
        throw corruptEntry(name, `has more than the ${record.sizeBytes} bytes that it announces`)
      }
      crc = crc32(chunk, crc)
      yield chunk
    }
  } catch (error) {
    if (error instanceof DecodeError)
      throw corruptEntry(name, `cannot be decompressed: ${error.message}`, error)
    if (!isZlibError(error)) throw error
    throw corruptEntry(name, 'cannot be inflated', error)
  }
  if (sizeBytes < record.sizeBytes || (sizeBytes - record.sizeBytes) % WRAP !== 0) {
    throw corruptEntry(name, `has ${sizeBytes} of the ${record.sizeBytes} bytes that it announces`)
  }
  requireChecksum(name, crc, record.crc32)
}

/** Converts yauzl's plain errors; errors of the source pass unchanged. */
async function translated<Result>(reader: RangedReader, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ZipFormatError || error === reader.sourceError) throw error
    const words = error instanceof Error ? error.message : String(error)
    if (words.includes('strong encryption')) throw encryptedZip('an entry')
    throw corruptZip(words, error)
  }
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}
