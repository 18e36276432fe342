import { pipeline, type Readable } from 'node:stream'
import { crc32, createInflateRaw } from 'node:zlib'
import yauzl from 'yauzl'
import type { ByteSource } from './byte-source.ts'
import { RangedReader } from './ranged-reader.ts'
import { ZipFormatError } from './zip-format-error.ts'

/** Bounds of what is looked at; a zip beyond them is refused before anything of it is inflated. */
export interface ZipLimits {
  readonly maxEntries: number
  readonly maxNameBytes: number
  /** Inflated size of one entry. */
  readonly maxEntryBytes: number
}

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
  /** Files in directory order; folders are left out. */
  readonly entries: readonly ZipEntry[]
  /**
   * The entry's content, inflated, as a stream that ends with an error when size or CRC-32 are wrong. Holds some MiB.
   * @throws ZipFormatError
   */
  read(entry: ZipEntry): AsyncGenerator<Uint8Array, void, undefined>
}

// Node's own 16 KiB halves the speed of inflating.
const INFLATE_CHUNK_BYTES = 1024 * 1024

const STORED = 0
const DEFLATED = 8

/**
 * Reads the directory of a zip, zip64 included, by a few ranged reads.
 * @throws ZipFormatError when it is no zip, damaged, or made to do harm.
 */
export async function openZip(source: ByteSource, limits: ZipLimits = DEFAULT_LIMITS): Promise<ZipArchive> {
  await checkSignature(source)
  const reader = new RangedReader(source)
  const zip = await translated(reader, () =>
    yauzl.fromRandomAccessReaderPromise(reader, source.sizeBytes, { autoClose: false, decodeStrings: false }),
  )
  const records = await translated(reader, () => readDirectory(zip, limits))
  return {
    entries: [...records].map(([name, record]) => ({ name, sizeBytes: record.uncompressedSize })),
    async *read({ name }) {
      const record = records.get(name)
      if (record === undefined) throw new Error(`${name} is not an entry of this archive`)
      checkMethod(name, record)
      const { fileDataStart } = await translated(reader, () =>
        zip.readLocalFileHeaderPromise(record, { minimal: true }),
      )
      const isEmpty = record.compressedSize === 0
      yield* checked(
        name,
        record,
        isEmpty ? [] : inflated(record, await source.read(fileDataStart, record.compressedSize)),
      )
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
      `${entry.name} has ${entry.sizeBytes} bytes; at most ${maxBytes} are taken`,
    )
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of archive.read(entry)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** `PK` and a record type; an archive without entries starts with its end record. */
async function checkSignature(source: ByteSource): Promise<void> {
  const length = Math.min(4, source.sizeBytes)
  const start = length === 0 ? [] : await (await source.read(0, length)).toArray()
  const signature = Buffer.concat(start).toString('latin1')
  if (signature === 'PK\u0003\u0004' || signature === 'PK\u0005\u0006') return
  throw new ZipFormatError('not-a-zip', length === 0 ? 'the file is empty' : 'the file is not a zip archive')
}

async function readDirectory(zip: yauzl.ZipFile, limits: ZipLimits): Promise<Map<string, yauzl.Entry>> {
  if (zip.entryCount > limits.maxEntries) {
    throw new ZipFormatError(
      'limit-exceeded',
      `the zip archive has ${zip.entryCount} entries; at most ${limits.maxEntries} are taken`,
    )
  }
  const records = new Map<string, yauzl.Entry>()
  const names = new Set<string>()
  for await (const record of zip.eachEntry()) {
    const name = safeName(record, limits)
    if (names.has(name)) {
      throw new ZipFormatError('duplicate-name', `the zip archive has two entries named ${quoted(name)}`)
    }
    names.add(name)
    if (record.isEncrypted()) {
      throw new ZipFormatError(
        'encrypted',
        `the zip entry ${quoted(name)} is encrypted; zip without password`,
      )
    }
    if (record.uncompressedSize > limits.maxEntryBytes) {
      throw new ZipFormatError(
        'limit-exceeded',
        `the zip entry ${quoted(name)} has ${record.uncompressedSize} bytes; at most ${limits.maxEntryBytes} are taken`,
      )
    }
    if (!name.endsWith('/')) records.set(name, record)
  }
  return records
}

function safeName(record: yauzl.Entry, limits: ZipLimits): string {
  if (record.fileNameRaw.length > limits.maxNameBytes) {
    throw new ZipFormatError(
      'limit-exceeded',
      `a name in the zip archive is longer than ${limits.maxNameBytes} bytes`,
    )
  }
  const { generalPurposeBitFlag, fileNameRaw, extraFields } = record
  const name = yauzl.getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false)
  if (name === '' || name.includes('\0') || yauzl.validateFileName(name) !== null) {
    throw new ZipFormatError(
      'unsafe-name',
      `the zip entry ${quoted(name)} has a name that leads out of the archive`,
    )
  }
  return name
}

function checkMethod(name: string, record: yauzl.Entry): void {
  if (record.compressionMethod === STORED || record.compressionMethod === DEFLATED) return
  throw new ZipFormatError(
    'unsupported-method',
    `the zip entry ${quoted(name)} uses compression method ${record.compressionMethod}; zip with deflate or store`,
  )
}

function inflated(record: yauzl.Entry, raw: Readable): AsyncIterable<Uint8Array> {
  if (record.compressionMethod === STORED) return raw
  // The callback has nothing to do: pipeline destroys the inflater with the same error, which its reader then meets.
  return pipeline(raw, createInflateRaw({ chunkSize: INFLATE_CHUNK_BYTES }), () => {})
}

async function* checked(
  name: string,
  record: yauzl.Entry,
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let crc = 0
  let sizeBytes = 0
  try {
    for await (const chunk of bytes) {
      sizeBytes += chunk.length
      if (sizeBytes > record.uncompressedSize) {
        throw new ZipFormatError('corrupt', `the zip entry ${quoted(name)} is larger than it announces`)
      }
      crc = crc32(chunk, crc)
      yield chunk
    }
  } catch (error) {
    if (!isZlibError(error)) throw error
    throw new ZipFormatError('corrupt', `the zip entry ${quoted(name)} is damaged`, { cause: error })
  }
  if (sizeBytes !== record.uncompressedSize || crc !== record.crc32) {
    throw new ZipFormatError('corrupt', `the zip entry ${quoted(name)} is damaged: wrong size or checksum`)
  }
}

/** yauzl throws bare errors; those of the source pass untouched. */
async function translated<Result>(reader: RangedReader, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ZipFormatError || error === reader.sourceError) throw error
    const words = error instanceof Error ? error.message : String(error)
    throw new ZipFormatError('corrupt', `the zip archive is damaged or cut short: ${words}`, { cause: error })
  }
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 200))
}
