import type yauzl from 'yauzl'
import { quoted } from '../../contract/quoted.ts'
import { DIRECTORY_RECORD_BYTES, STORED } from '../zip-format.ts'
import { decodeEntryName } from './entry-name.ts'
import { type EntryPlace, placeEntries, WRAP, type ZipRecord } from './entry-places.ts'
import { isLocalHeader } from './local-header.ts'
import type { RangedReader } from './ranged-reader.ts'
import type { ZipDirectory } from './zip-end.ts'
import { corruptZip, encryptedZip, ZipFormatError } from './zip-format-error.ts'

/** Limits that are checked before any content is read. */
export interface ZipLimits {
  readonly maxEntries: number
  readonly maxNameBytes: number
  /** Uncompressed size of one entry. */
  readonly maxEntryBytes: number
}

const MIB = 1024 ** 2
const ENCRYPTED_FLAGS = 0x2041
/** File type in the Unix mode, which is in the upper half of the attributes. */
const UNIX_LINK = 0o12

/** Maximum growth by compression: incompressible data is stored in blocks with a few bytes of overhead. */
const MAX_GROWTH = 1.02

/** Archives with less uncompressed content are accepted at any ratio. */
const FREE_BYTES = 1024 ** 3
/** Deflate reaches 1000 only for zeros; images reach 10, repeated text 100. */
const MAX_RATIO = 200

export interface RecordOptions {
  readonly directory: ZipDirectory
  /** Required offset of the first entry. */
  readonly start: number
  /** Size of the archive. */
  readonly sizeBytes: number
  readonly limits: ZipLimits
}

/**
 * Reads the directory and ensures that entries fill the file without overlaps or gaps.
 * @throws ZipFormatError
 */
export async function readRecords(
  zip: yauzl.ZipFile,
  reader: RangedReader,
  { directory, start, sizeBytes, limits }: RecordOptions,
): Promise<ReadonlyMap<string, ZipRecord>> {
  if (directory.count > limits.maxEntries) {
    throw limitExceeded(
      `has ${directory.count} entries; at most ${limits.maxEntries} are allowed`,
      'zip only what is needed',
    )
  }
  const records = new Map<string, MutableRecord>()
  let directoryBytes = 0
  for await (const entry of zip.eachEntry()) {
    const record = recordOf(entry, limits)
    if (records.has(record.name)) {
      throw new ZipFormatError(
        'duplicate-name',
        `the zip archive has two entries named ${quoted(record.name)}; zip each file once`,
      )
    }
    records.set(record.name, record)
    directoryBytes +=
      DIRECTORY_RECORD_BYTES + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength
  }
  const behind = directory.end - directory.offset - directoryBytes
  if (behind < 0) throw corruptZip('its last entry is longer than its directory')
  if (behind > 0)
    throw corruptZip(`${behind} bytes follow the announced number of entries, ${directory.count}`)
  const isHeaderAt = (offset: number, entry: EntryPlace): Promise<boolean> =>
    isLocalHeader(reader, offset, entry.rawName)
  await placeEntries([...records.values()], { start, directoryOffset: directory.offset, isHeaderAt })
  for (const record of records.values()) widenSize(record, limits)
  const inflatedBytes = [...records.values()].reduce((sum, record) => sum + record.sizeBytes, 0)
  if (inflatedBytes > FREE_BYTES && inflatedBytes > sizeBytes * MAX_RATIO) {
    throw limitExceeded(
      `of ${sizeBytes} bytes would inflate to ${inflatedBytes}; at most ${MAX_RATIO} times the size is allowed`,
      'store the files instead of deflating them (zip -0)',
    )
  }
  return records
}

type MutableRecord = { -readonly [Key in keyof ZipRecord]: ZipRecord[Key] }

/**
 * Bounds a size that may be a remainder modulo 2³², by the least and the most that the compressed bytes can decode to.
 * @throws ZipFormatError
 */
function widenSize(record: MutableRecord, limits: ZipLimits): void {
  const { name, method, compressedBytes } = record
  if (method === STORED) record.sizeBytes = compressedBytes
  else {
    const missing = Math.max(0, compressedBytes / MAX_GROWTH - record.sizeBytes - MIB)
    record.sizeBytes += Math.ceil(missing / WRAP) * WRAP
  }
  if (record.sizeBytes > limits.maxEntryBytes) throw tooLarge(name, record.sizeBytes, limits)
  const isExact = method === STORED || record.announced.sizeBytes >= WRAP
  const mostBytes = Math.min(limits.maxEntryBytes, compressedBytes * MAX_RATIO)
  record.maxSizeBytes = isExact || mostBytes < record.sizeBytes + WRAP ? record.sizeBytes : mostBytes
}

function tooLarge(name: string, sizeBytes: number, { maxEntryBytes }: ZipLimits): ZipFormatError {
  return limitExceeded(
    `has an entry ${quoted(name)} of ${sizeBytes} bytes; at most ${maxEntryBytes} are allowed`,
    'make it smaller',
  )
}

function recordOf(entry: yauzl.Entry, limits: ZipLimits): MutableRecord {
  const name = safeName(entry, limits)
  if ((entry.generalPurposeBitFlag & ENCRYPTED_FLAGS) !== 0) throw encryptedZip(`the entry ${quoted(name)}`)
  const { compressedSize: compressedBytes, uncompressedSize: sizeBytes } = entry
  if (sizeBytes > limits.maxEntryBytes) throw tooLarge(name, sizeBytes, limits)
  return {
    name,
    rawName: entry.fileNameRaw.toString('latin1'),
    method: entry.compressionMethod,
    isLink: entry.externalFileAttributes >>> 28 === UNIX_LINK,
    crc32: entry.crc32,
    compressedBytes,
    sizeBytes,
    maxSizeBytes: sizeBytes,
    announced: { compressedBytes, sizeBytes },
    offset: entry.relativeOffsetOfLocalHeader,
    limit: 0,
  }
}

function limitExceeded(words: string, advice: string): ZipFormatError {
  return new ZipFormatError('limit-exceeded', `the zip archive ${words}: ${advice}`)
}

/** Normalized name: `/` as separator, no `.` segments. */
function safeName(entry: yauzl.Entry, limits: ZipLimits): string {
  const { fileNameRaw } = entry
  if (fileNameRaw.length > limits.maxNameBytes) {
    throw limitExceeded(
      `has a name of ${fileNameRaw.length} bytes; at most ${limits.maxNameBytes} are allowed`,
      'give the file a shorter one',
    )
  }
  const name = decodeEntryName(entry)
  const problem = nameProblem(name)
  if (problem !== undefined) {
    throw new ZipFormatError(
      'unsafe-name',
      `the zip entry ${quoted(name)} has a name that ${problem}, but names must be relative and stay inside the archive: zip the files by relative names, from within their folder`,
    )
  }
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  return parts.join('/') + (name.endsWith('/') ? '/' : '')
}

function nameProblem(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name.includes('\0')) return 'has a NUL character'
  if (name.startsWith('/')) return 'starts with a slash'
  if (/^[a-z]:/iu.test(name)) return 'starts with a drive letter'
  return name.split('/').includes('..') ? 'leads out of its folder ("..")' : undefined
}
