import { pipeline, Readable } from 'node:stream'
import { crc32, createInflateRaw } from 'node:zlib'
import yauzl from 'yauzl'
import { isSystemFile } from '../../archive/zip/system-files.ts'
import { quoted } from '../../quoted.ts'
import { inPieces } from '../in-pieces.ts'
import { type ByteSource, sectionOf } from './byte-source.ts'
import { requireZipStart, START_BYTES } from './foreign-file.ts'
import { locateContent } from './local-header.ts'
import { RangedReader } from './ranged-reader.ts'
import { type StoredEntry, storedEntry } from './stored-entry.ts'
import { findDirectory } from './zip-end.ts'
import {
  corruptEntry,
  corruptZip,
  encryptedZip,
  requireChecksum,
  ZipFormatError,
} from './zip-format-error.ts'
import { readRecords, type ZipLimits, type ZipRecord } from './zip-records.ts'

const DEFAULT_LIMITS: ZipLimits = {
  maxEntries: 10_000,
  maxNameBytes: 1024,
  // The largest disk that a Fargate task can have: an image beyond it runs nowhere.
  maxEntryBytes: 200 * 1024 ** 3,
}

/** A file in the archive. */
export interface ZipEntry {
  /** Relative, with `/`, without `.` or `..` tricks. */
  readonly name: string
  /** Inflated, as the directory announces it; reading fails when it is not true. */
  readonly sizeBytes: number
}

/** An archive whose directory was read and found harmless. */
export interface ZipArchive {
  /** Files in directory order, without folders and what file managers add (`__MACOSX/`, `Thumbs.db`). */
  readonly entries: readonly ZipEntry[]
  /**
   * The entry's content, inflated, as a stream that ends with an error when size or CRC-32 are wrong. Holds some MiB.
   * @throws ZipFormatError
   */
  read(entry: ZipEntry): AsyncGenerator<Uint8Array, void, undefined>
  /**
   * The content of an entry that is stored and not deflated, to be read from any place; undefined for others.
   * @throws ZipFormatError
   */
  stored(entry: ZipEntry): Promise<StoredEntry | undefined>
}

// Node's own 16 KiB halves the speed of inflating.
const INFLATE_CHUNK_BYTES = 1024 * 1024

const STORED = 0
const DEFLATED = 8
/** Others that tools write (PKWARE APPNOTE 6.3.10, 4.4.5). */
const METHODS: Readonly<Record<number, string>> = {
  1: 'shrink',
  6: 'implode',
  9: 'deflate64 (Windows Explorer does so with files over 2 GB)',
  12: 'bzip2',
  14: 'LZMA',
  20: 'zstd',
  93: 'zstd',
  95: 'xz',
  98: 'PPMd',
}

/**
 * Reads the directory of a zip, zip64 included, by a few ranged reads.
 * @throws ZipFormatError when it is no zip, damaged, or made to do harm.
 */
export async function openZip(source: ByteSource, limits: ZipLimits = DEFAULT_LIMITS): Promise<ZipArchive> {
  const reader = new RangedReader(source)
  requireZipStart(await reader.bytes(0, Math.min(START_BYTES, source.sizeBytes)))
  const directory = await findDirectory(reader, source.sizeBytes)
  const records = await translated(reader, async () => {
    const zip = await yauzl.fromRandomAccessReaderPromise(reader, source.sizeBytes, {
      autoClose: false,
      decodeStrings: false,
    })
    return await readRecords(zip, directory, source.sizeBytes, limits)
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
 * A small entry as one buffer.
 * @throws ZipFormatError also when it is larger than `maxBytes`.
 */
export async function readZipEntry(archive: ZipArchive, entry: ZipEntry, maxBytes: number): Promise<Buffer> {
  if (entry.sizeBytes > maxBytes) {
    throw new ZipFormatError(
      'limit-exceeded',
      `the zip entry ${quoted(entry.name)} has ${entry.sizeBytes} bytes; at most ${maxBytes} are taken: make it smaller`,
    )
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of archive.read(entry)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function requireContent({ name, method, isLink }: ZipRecord): void {
  if (isLink) {
    throw new ZipFormatError(
      'link',
      `the zip entry ${quoted(name)} is a symbolic link; zip the file itself (without the option -y)`,
    )
  }
  if (method === STORED || method === DEFLATED) return
  const known = METHODS[method] ?? `method ${method}`
  throw new ZipFormatError(
    'unsupported-method',
    `the zip entry ${quoted(name)} is compressed with ${known}; zip it with deflate, or store it`,
  )
}

async function* inflated(record: ZipRecord, raw: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  const inflater = createInflateRaw({ chunkSize: INFLATE_CHUNK_BYTES })
  // The callback has nothing to do: pipeline destroys the inflater with the same error, which its reader then meets.
  yield* pipeline(inPieces(raw), inflater, () => {})
  const left = record.compressedBytes - inflater.bytesWritten
  if (left > 0) throw corruptEntry(record.name, `holds ${left} bytes behind the end of its content`)
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
      if (sizeBytes > record.sizeBytes) {
        throw corruptEntry(name, `holds more than the ${record.sizeBytes} bytes that it announces`)
      }
      crc = crc32(chunk, crc)
      yield chunk
    }
  } catch (error) {
    if (!isZlibError(error)) throw error
    throw corruptEntry(name, 'cannot be inflated', error)
  }
  if (sizeBytes < record.sizeBytes) {
    throw corruptEntry(name, `holds ${sizeBytes} of the ${record.sizeBytes} bytes that it announces`)
  }
  requireChecksum(name, crc, record.crc32)
}

/** yauzl throws bare errors; those of the source pass untouched. */
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
