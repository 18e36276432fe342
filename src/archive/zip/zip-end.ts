import {
  DIRECTORY_RECORD_BYTES,
  END_BYTES,
  END64_BYTES,
  END64_SIGNATURE,
  LOCATOR64_BYTES,
  LOCATOR64_SIGNATURE,
} from '../zip-format.ts'
import { WRAP } from './entry-places.ts'
import { splitArchive } from './foreign-file.ts'
import type { RangedReader } from './ranged-reader.ts'
import { corruptZip } from './zip-format-error.ts'

/*
 * End records of a zip, which locate its directory (PKWARE APPNOTE 6.3.10, 4.3.14 to 4.3.16). Readers search for them
 * differently, so a file with two ends, or with bytes outside of what the end describes, can show different archives to
 * different readers. Such files are refused.
 */

export interface ZipDirectory {
  readonly count: number
  readonly offset: number
  /** Offset of the first byte after it. */
  readonly end: number
}

const END_SIGNATURE = Buffer.from('PK\u0005\u0006', 'latin1')
const MAX_COMMENT_BYTES = 0xffff
/** The record's length excludes its signature and the length field. */
const END64_UNCOUNTED_BYTES = 12
/** Placeholders for numbers that only the zip64 record can contain. */
const IN_ZIP64_16 = 0xffff
const IN_ZIP64_32 = 0xffffffff

/**
 * Finds the directory of a zip by the records at its end, and ensures that there is only one.
 * @throws ZipFormatError
 */
export async function findDirectory(reader: RangedReader, sizeBytes: number): Promise<ZipDirectory> {
  const tailBytes = Math.min(sizeBytes, LOCATOR64_BYTES + END_BYTES + MAX_COMMENT_BYTES)
  const tail = await reader.bytes(sizeBytes - tailBytes, tailBytes)
  const endInTail = findEnd(tail)
  const record = tail.subarray(endInTail)
  const endOffset = sizeBytes - tailBytes + endInTail
  const end64 = await readEnd64(reader, endOffset)
  const numbers = end64 === undefined ? numbersOf(record) : agreed(numbersOf(record), end64.numbers)
  const { disk, firstDisk, countHere, count, directoryBytes } = numbers
  if (disk !== 0 || firstDisk !== 0 || countHere !== count) {
    throw splitArchive(`part ${disk + 1}`)
  }
  const end = end64?.offset ?? endOffset
  // Finder writes no zip64, only the remainder modulo 2³²; entry-places.ts checks that the entries fill the space
  // before the directory.
  const multiples = end64 === undefined ? Math.floor((end - numbers.offset - directoryBytes) / WRAP) : 0
  const offset = numbers.offset + Math.max(0, multiples) * WRAP
  const outside = end - offset - directoryBytes
  if (outside < 0) throw corruptZip('its end gives the directory a size that does not fit')
  if (outside > 0) {
    throw corruptZip(
      `${outside} bytes are outside of what its end describes (at its start, or between directory and end): it may be two archives in one file`,
    )
  }
  if (count * DIRECTORY_RECORD_BYTES > directoryBytes) {
    throw corruptZip(
      `its end announces ${count} entries, too many for a directory of ${directoryBytes} bytes`,
    )
  }
  return { count, offset, end }
}

/** Offset of the only end record whose comment reaches the end of the file. */
function findEnd(tail: Buffer): number {
  const found: number[] = []
  for (let at = tail.lastIndexOf(END_SIGNATURE); at >= 0; ) {
    found.push(at)
    // lastIndexOf would count a negative index from the end.
    at = at === 0 ? -1 : tail.lastIndexOf(END_SIGNATURE, at - 1)
  }
  const reaching = found.filter((at) => endOf(tail, at) === tail.length)
  const [end] = reaching
  if (end === undefined) throw withoutEnd(tail, found)
  // The last one was found first; any other is before it, and contains it in its comment.
  if (reaching.length > 1 || found[0] !== end) {
    throw corruptZip('the comment at its end contains the end of another archive')
  }
  return end
}

function endOf(tail: Buffer, at: number): number {
  return at + END_BYTES > tail.length ? Number.NaN : at + END_BYTES + tail.readUInt16LE(at + 20)
}

function withoutEnd(tail: Buffer, found: readonly number[]): Error {
  const trailing = found.map((at) => tail.length - endOf(tail, at)).find((bytes) => bytes > 0)
  if (trailing === undefined) return corruptZip('it is cut short: its end is missing')
  return corruptZip(`${trailing} bytes follow its end, or it is cut short`)
}

interface EndNumbers {
  readonly disk: number
  readonly firstDisk: number
  readonly countHere: number
  readonly count: number
  readonly directoryBytes: number
  readonly offset: number
}

function numbersOf(record: Buffer): EndNumbers {
  return {
    disk: record.readUInt16LE(4),
    firstDisk: record.readUInt16LE(6),
    countHere: record.readUInt16LE(8),
    count: record.readUInt16LE(10),
    directoryBytes: record.readUInt32LE(12),
    offset: record.readUInt32LE(16),
  }
}

/** The zip64 record, when the end record follows a locator. */
async function readEnd64(reader: RangedReader, endOffset: number) {
  const locatorOffset = endOffset - LOCATOR64_BYTES
  if (locatorOffset < 0) return undefined
  const locator = await reader.bytes(locatorOffset, LOCATOR64_BYTES)
  if (locator.readUInt32LE(0) !== LOCATOR64_SIGNATURE) return undefined
  const offset = Number(locator.readBigUInt64LE(8))
  if (locator.readUInt32LE(4) !== 0 || locator.readUInt32LE(16) > 1) throw splitArchive('a part')
  if (offset + END64_BYTES > locatorOffset) throw wrongZip64('its locator points elsewhere')
  const record = await reader.bytes(offset, END64_BYTES)
  const recordEnd = offset + END64_UNCOUNTED_BYTES + Number(record.readBigUInt64LE(4))
  if (record.readUInt32LE(0) !== END64_SIGNATURE || recordEnd !== locatorOffset) {
    throw wrongZip64('it does not end at its locator')
  }
  const numbers: EndNumbers = {
    disk: record.readUInt32LE(16),
    firstDisk: record.readUInt32LE(20),
    countHere: Number(record.readBigUInt64LE(24)),
    count: Number(record.readBigUInt64LE(32)),
    directoryBytes: Number(record.readBigUInt64LE(40)),
    offset: Number(record.readBigUInt64LE(48)),
  }
  return { offset, numbers }
}

/** Requires equal values in both records: readers without zip64 must not see another archive. */
function agreed(plain: EndNumbers, zip64: EndNumbers): EndNumbers {
  const isSame = (own: number, placeholder: number, other: number): boolean =>
    own === placeholder || own === other
  const agrees =
    isSame(plain.disk, IN_ZIP64_16, zip64.disk) &&
    isSame(plain.firstDisk, IN_ZIP64_16, zip64.firstDisk) &&
    isSame(plain.countHere, IN_ZIP64_16, zip64.countHere) &&
    isSame(plain.count, IN_ZIP64_16, zip64.count) &&
    isSame(plain.directoryBytes, IN_ZIP64_32, zip64.directoryBytes) &&
    isSame(plain.offset, IN_ZIP64_32, zip64.offset)
  if (!agrees) throw wrongZip64('it differs from the end record')
  return zip64
}

function wrongZip64(words: string): Error {
  return corruptZip(`its zip64 record is wrong: ${words}`)
}
