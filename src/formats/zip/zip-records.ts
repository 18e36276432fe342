import type yauzl from 'yauzl'
import { decodeEntryName } from '../../archive/zip/entry-name.ts'
import { quoted } from '../../quoted.ts'
import type { ZipDirectory } from './zip-end.ts'
import { corruptEntry, corruptZip, encryptedZip, ZipFormatError } from './zip-format-error.ts'

/** Bounds of what is looked at; a zip beyond them is refused before anything of it is inflated. */
export interface ZipLimits {
  readonly maxEntries: number
  readonly maxNameBytes: number
  /** Inflated size of one entry. */
  readonly maxEntryBytes: number
}

/** What the directory says of an entry. */
export interface ZipRecord {
  readonly name: string
  /** The name's bytes, one a character. */
  readonly rawName: string
  readonly method: number
  /** Its content is the path of another file. */
  readonly isLink: boolean
  readonly crc32: number
  readonly compressedBytes: number
  readonly sizeBytes: number
  /** Of its header. */
  readonly offset: number
  /** Where the next entry starts, or the directory: its bytes end before. */
  readonly limit: number
}

const DIRECTORY_RECORD_BYTES = 46
const LOCAL_HEADER_BYTES = 30
/** Extra field of a local header, and a data descriptor in its longest form. */
const MAX_UNANNOUNCED_BYTES = 0xffff + 24

const ENCRYPTED_FLAGS = 0x2041
/** File type in the mode, which tools on Unix put into the upper half of the attributes. */
const UNIX_LINK = 0o12

/** Archives that inflate to less are taken however well they pack. */
const FREE_BYTES = 1024 ** 3
/** Deflate reaches 1000 for nothing but zeros; images reach 10, text of a few words repeated 100. */
const MAX_RATIO = 200

/**
 * Reads the directory and makes sure that every entry has a place of its own in the file, and that nothing else has.
 * @throws ZipFormatError
 */
export async function readRecords(
  zip: yauzl.ZipFile,
  directory: ZipDirectory,
  sizeBytes: number,
  limits: ZipLimits,
): Promise<ReadonlyMap<string, ZipRecord>> {
  if (directory.count > limits.maxEntries) {
    throw limitExceeded(
      `has ${directory.count} entries; at most ${limits.maxEntries} are taken`,
      'zip only what is needed',
    )
  }
  const records = new Map<string, MutableRecord>()
  let directoryBytes = 0
  let inflatedBytes = 0
  for await (const entry of zip.eachEntry()) {
    const record = recordOf(entry, limits)
    if (records.has(record.name)) {
      throw new ZipFormatError(
        'duplicate-name',
        `the zip archive has two entries named ${quoted(record.name)}; zip each file once`,
      )
    }
    records.set(record.name, record)
    inflatedBytes += record.sizeBytes
    directoryBytes +=
      DIRECTORY_RECORD_BYTES + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength
  }
  const behind = directory.end - directory.offset - directoryBytes
  if (behind !== 0)
    throw corruptZip(`${behind} bytes follow the ${directory.count} entries that it announces`)
  if (inflatedBytes > FREE_BYTES && inflatedBytes > sizeBytes * MAX_RATIO) {
    throw limitExceeded(
      `of ${sizeBytes} bytes would inflate to ${inflatedBytes}; at most ${MAX_RATIO} times the size is taken`,
      'store the files instead of deflating them (zip -0)',
    )
  }
  placeRecords([...records.values()], directory.offset)
  return records
}

type MutableRecord = Omit<ZipRecord, 'limit'> & { limit: number }

function recordOf(entry: yauzl.Entry, limits: ZipLimits): MutableRecord {
  const name = safeName(entry, limits)
  if ((entry.generalPurposeBitFlag & ENCRYPTED_FLAGS) !== 0) throw encryptedZip(`the entry ${quoted(name)}`)
  if (entry.uncompressedSize > limits.maxEntryBytes) {
    throw limitExceeded(
      `has an entry ${quoted(name)} of ${entry.uncompressedSize} bytes; at most ${limits.maxEntryBytes} are taken`,
      'make it smaller',
    )
  }
  return {
    name,
    rawName: entry.fileNameRaw.toString('latin1'),
    method: entry.compressionMethod,
    isLink: entry.externalFileAttributes >>> 28 === UNIX_LINK,
    crc32: entry.crc32,
    compressedBytes: entry.compressedSize,
    sizeBytes: entry.uncompressedSize,
    offset: entry.relativeOffsetOfLocalHeader,
    limit: 0,
  }
}

function limitExceeded(words: string, advice: string): ZipFormatError {
  return new ZipFormatError('limit-exceeded', `the zip archive ${words}: ${advice}`)
}

/** The name with `/` between its parts, and without parts that say nothing (`./`). */
function safeName(entry: yauzl.Entry, limits: ZipLimits): string {
  const { fileNameRaw } = entry
  if (fileNameRaw.length > limits.maxNameBytes) {
    throw limitExceeded(
      `has a name of ${fileNameRaw.length} bytes; at most ${limits.maxNameBytes} are taken`,
      'give the file a shorter one',
    )
  }
  const name = decodeEntryName(entry)
  const problem = nameProblem(name)
  if (problem !== undefined) {
    throw new ZipFormatError(
      'unsafe-name',
      `the zip entry ${quoted(name)} has a name that ${problem}, while names must lead from the root of the archive downwards: zip the files by relative names, from within their folder`,
    )
  }
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  return parts.join('/') + (name.endsWith('/') ? '/' : '')
}

function nameProblem(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name.includes('\0')) return 'holds a NUL character'
  if (name.startsWith('/')) return 'starts at the root of a disk'
  if (/^[a-z]:/iu.test(name)) return 'starts with the letter of a drive'
  return name.split('/').includes('..') ? 'leads upwards ("..")' : undefined
}

/** Entries may stand in any order, but each in bytes of its own, from the first byte of the file to the directory. */
function placeRecords(records: readonly MutableRecord[], directoryOffset: number): void {
  const inOrder = records.toSorted((a, b) => a.offset - b.offset)
  const before = inOrder[0]?.offset ?? directoryOffset
  if (before !== 0) throw corruptZip(`${before} bytes before its first entry belong to nothing`)
  for (const [index, record] of inOrder.entries()) {
    const next = inOrder[index + 1]
    record.limit = next?.offset ?? directoryOffset
    const bytes = LOCAL_HEADER_BYTES + record.rawName.length + record.compressedBytes
    const spare = record.limit - record.offset - bytes
    if (spare < 0) {
      const other = next === undefined ? 'its directory' : quoted(next.name)
      throw corruptZip(`the entry ${quoted(record.name)} and ${other} share bytes`)
    }
    if (spare > MAX_UNANNOUNCED_BYTES) throw unaccounted(record.name, spare)
  }
}

/** Bytes behind an entry that nothing describes. */
export function unaccounted(name: string, bytes: number): ZipFormatError {
  // Finder cannot write zip64: it gives sizes modulo 2³².
  const hint = bytes >= 2 ** 31 ? ' (Finder makes such archives of files over 4 GB: use the command zip)' : ''
  return corruptEntry(name, `is followed by ${bytes} bytes that belong to nothing${hint}`)
}
