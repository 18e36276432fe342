import {
  DIRECTORY_RECORD_BYTES,
  END_BYTES,
  END64_BYTES,
  END64_SIGNATURE,
  LOCATOR64_BYTES,
  LOCATOR64_SIGNATURE,
  ZIP64_FIELD,
} from '../zip-format.ts'

/*
 * Records of the zips that the stager makes of folders. They have one form only: stored entries in directory order without gaps,
 * no comments, no data descriptors, zip64 fields only where a number needs them. A reader can therefore compare records with
 * their expected bytes, and compute every offset from the directory. Layouts: PKWARE APPNOTE 6.3.10, 4.3 and 4.5.3.
 */

/** One file of the zip, from its directory record. */
export interface FolderZipEntry {
  readonly name: Buffer
  readonly sizeBytes: number
  readonly crc32: number
  /** The checksum follows the content, in a {@link dataDescriptor}. */
  readonly isStreamed?: boolean
}

/** Contents of the end records. */
export interface FolderZipEnd {
  readonly count: number
  readonly directorySizeBytes: number
  readonly directoryOffset: number
}

const LOCAL_SIGNATURE = 0x04034b50
const DIRECTORY_SIGNATURE = 0x02014b50
const DESCRIPTOR_SIGNATURE = 0x08074b50
const END_SIGNATURE = 0x06054b50

const LOCAL_BYTES = 30
/** Maximum size of the records after the directory. */
export const MAX_END_BYTES = END64_BYTES + LOCATOR64_BYTES + END_BYTES

const VERSION = 20
const VERSION_ZIP64 = 45
/** Host system Unix: readers then apply the mode below. */
const MADE_ON_UNIX = 3 << 8
/** Bit 11: names are UTF-8. */
const FLAGS = 0x0800
/** Bit 3: checksum and sizes follow the content; the header has zeros. */
const FLAGS_STREAMED = FLAGS | 0x0008
/** 1980-01-01, the earliest DOS date. A constant makes the zip depend on the files alone. */
const DOS_DATE = 0x21
/** Regular file, readable by everyone. */
const EXTERNAL_ATTRIBUTES = 0o100644 * 0x10000
/** Directory, and DOS's bit for it. Names of directories end in a slash; the stager's zips have no directories. */
const DIRECTORY_ATTRIBUTES = 0o040755 * 0x10000 + 0x10
const SLASH = 0x2f

const MAX_16 = 0xffff
const MAX_32 = 0xffffffff

/** Local header of an entry. */
export function localHeader({ name, sizeBytes, crc32, isStreamed = false }: FolderZipEntry): Buffer {
  if (isStreamed) return streamedHeader(name, sizeBytes)
  const isLarge = sizeBytes >= MAX_32
  const extraBytes = isLarge ? 20 : 0
  const header = Buffer.alloc(LOCAL_BYTES + name.length + extraBytes)
  header.writeUInt32LE(LOCAL_SIGNATURE, 0)
  header.writeUInt16LE(isLarge ? VERSION_ZIP64 : VERSION, 4)
  header.writeUInt16LE(FLAGS, 6)
  header.writeUInt16LE(DOS_DATE, 12)
  header.writeUInt32LE(crc32, 14)
  header.writeUInt32LE(isLarge ? MAX_32 : sizeBytes, 18)
  header.writeUInt32LE(isLarge ? MAX_32 : sizeBytes, 22)
  header.writeUInt16LE(name.length, 26)
  header.writeUInt16LE(extraBytes, 28)
  name.copy(header, LOCAL_BYTES)
  if (isLarge) writeZip64Field(header, LOCAL_BYTES + name.length, [sizeBytes, sizeBytes])
  return header
}

function streamedHeader(name: Buffer, sizeBytes: number): Buffer {
  const header = Buffer.alloc(LOCAL_BYTES + name.length)
  header.writeUInt32LE(LOCAL_SIGNATURE, 0)
  header.writeUInt16LE(sizeBytes >= MAX_32 ? VERSION_ZIP64 : VERSION, 4)
  header.writeUInt16LE(FLAGS_STREAMED, 6)
  header.writeUInt16LE(DOS_DATE, 12)
  header.writeUInt16LE(name.length, 26)
  name.copy(header, LOCAL_BYTES)
  return header
}

/** Data descriptor of a streamed entry: its checksum and, twice, its size (of 8 bytes each from 4 GiB on). */
export function dataDescriptor({ sizeBytes, crc32 }: Pick<FolderZipEntry, 'sizeBytes' | 'crc32'>): Buffer {
  const isLarge = sizeBytes >= MAX_32
  const descriptor = Buffer.alloc(isLarge ? 24 : 16)
  descriptor.writeUInt32LE(DESCRIPTOR_SIGNATURE, 0)
  descriptor.writeUInt32LE(crc32, 4)
  for (const i of [0, 1]) {
    if (isLarge) descriptor.writeBigUInt64LE(BigInt(sizeBytes), 8 + 8 * i)
    else descriptor.writeUInt32LE(sizeBytes, 8 + 4 * i)
  }
  return descriptor
}

/** Bytes from the start of an entry's header to the end of its content. */
export function entrySpan(nameBytes: number, sizeBytes: number): number {
  return LOCAL_BYTES + nameBytes + (sizeBytes >= MAX_32 ? 20 : 0) + sizeBytes
}

export function directoryRecord(
  { name, sizeBytes, crc32, isStreamed = false }: FolderZipEntry,
  offset: number,
): Buffer {
  const isLarge = sizeBytes >= MAX_32
  const large = [...(isLarge ? [sizeBytes, sizeBytes] : []), ...(offset >= MAX_32 ? [offset] : [])]
  const extraBytes = large.length === 0 ? 0 : 4 + 8 * large.length
  const record = Buffer.alloc(DIRECTORY_RECORD_BYTES + name.length + extraBytes)
  const version = large.length === 0 ? VERSION : VERSION_ZIP64
  record.writeUInt32LE(DIRECTORY_SIGNATURE, 0)
  record.writeUInt16LE(MADE_ON_UNIX | version, 4)
  record.writeUInt16LE(version, 6)
  record.writeUInt16LE(isStreamed ? FLAGS_STREAMED : FLAGS, 8)
  record.writeUInt16LE(DOS_DATE, 14)
  record.writeUInt32LE(crc32, 16)
  record.writeUInt32LE(isLarge ? MAX_32 : sizeBytes, 20)
  record.writeUInt32LE(isLarge ? MAX_32 : sizeBytes, 24)
  record.writeUInt16LE(name.length, 28)
  record.writeUInt16LE(extraBytes, 30)
  record.writeUInt32LE(name.at(-1) === SLASH ? DIRECTORY_ATTRIBUTES : EXTERNAL_ATTRIBUTES, 38)
  record.writeUInt32LE(Math.min(offset, MAX_32), 42)
  name.copy(record, DIRECTORY_RECORD_BYTES)
  if (large.length > 0) writeZip64Field(record, DIRECTORY_RECORD_BYTES + name.length, large)
  return record
}

function writeZip64Field(record: Buffer, at: number, values: readonly number[]): void {
  record.writeUInt16LE(ZIP64_FIELD, at)
  record.writeUInt16LE(values.length * 8, at + 2)
  for (const [i, value] of values.entries()) record.writeBigUInt64LE(BigInt(value), at + 4 + 8 * i)
}

/** Length of the directory record that starts at `record[0]`. */
export function directoryRecordBytes(record: Buffer): number {
  return DIRECTORY_RECORD_BYTES + record.readUInt16LE(28) + record.readUInt16LE(30)
}

/** Decodes a directory record without validation: the caller compares it with {@link directoryRecord}. */
export function readDirectoryRecord(record: Buffer): FolderZipEntry {
  const nameEnd = DIRECTORY_RECORD_BYTES + record.readUInt16LE(28)
  const size = record.readUInt32LE(20)
  const isLarge = size === MAX_32 && record.length >= nameEnd + 12
  return {
    name: record.subarray(DIRECTORY_RECORD_BYTES, nameEnd),
    sizeBytes: isLarge ? Number(record.readBigUInt64LE(nameEnd + 4)) : size,
    crc32: record.readUInt32LE(16),
  }
}

/** Records after the directory. */
export function endRecords({ count, directorySizeBytes, directoryOffset }: FolderZipEnd): Buffer {
  const end = Buffer.alloc(END_BYTES)
  end.writeUInt32LE(END_SIGNATURE, 0)
  end.writeUInt16LE(Math.min(count, MAX_16), 8)
  end.writeUInt16LE(Math.min(count, MAX_16), 10)
  end.writeUInt32LE(Math.min(directorySizeBytes, MAX_32), 12)
  end.writeUInt32LE(Math.min(directoryOffset, MAX_32), 16)
  if (count < MAX_16 && directorySizeBytes < MAX_32 && directoryOffset < MAX_32) return end
  const end64 = Buffer.alloc(END64_BYTES + LOCATOR64_BYTES)
  end64.writeUInt32LE(END64_SIGNATURE, 0)
  // The record's length excludes its signature and this field.
  end64.writeBigUInt64LE(BigInt(END64_BYTES - 12), 4)
  end64.writeUInt16LE(MADE_ON_UNIX | VERSION_ZIP64, 12)
  end64.writeUInt16LE(VERSION_ZIP64, 14)
  end64.writeBigUInt64LE(BigInt(count), 24)
  end64.writeBigUInt64LE(BigInt(count), 32)
  end64.writeBigUInt64LE(BigInt(directorySizeBytes), 40)
  end64.writeBigUInt64LE(BigInt(directoryOffset), 48)
  end64.writeUInt32LE(LOCATOR64_SIGNATURE, END64_BYTES)
  end64.writeBigUInt64LE(BigInt(directoryOffset + directorySizeBytes), END64_BYTES + 8)
  end64.writeUInt32LE(1, END64_BYTES + 16)
  return Buffer.concat([end64, end])
}

/** Decodes the end records in the last bytes of a zip; undefined when they do not have this form. */
export function readEndRecords(tail: Buffer): FolderZipEnd | undefined {
  const at = tail.length - END_BYTES
  if (at < 0 || tail.readUInt32LE(at) !== END_SIGNATURE) return undefined
  const at64 = at - LOCATOR64_BYTES - END64_BYTES
  const isZip64 = at64 >= 0 && tail.readUInt32LE(at64) === END64_SIGNATURE
  const end: FolderZipEnd = isZip64
    ? {
        count: Number(tail.readBigUInt64LE(at64 + 24)),
        directorySizeBytes: Number(tail.readBigUInt64LE(at64 + 40)),
        directoryOffset: Number(tail.readBigUInt64LE(at64 + 48)),
      }
    : {
        count: tail.readUInt16LE(at + 8),
        directorySizeBytes: tail.readUInt32LE(at + 12),
        directoryOffset: tail.readUInt32LE(at + 16),
      }
  if (!Object.values(end).every(Number.isSafeInteger)) return undefined
  const records = endRecords(end)
  return records.equals(tail.subarray(tail.length - records.length)) ? end : undefined
}
