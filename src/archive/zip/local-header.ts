import { quoted } from '../../contract/quoted.ts'
import { ZIP64_FIELD } from '../zip-format.ts'
import { unaccounted, type ZipRecord } from './entry-places.ts'
import type { RangedReader } from './ranged-reader.ts'
import { corruptEntry, encryptedZip } from './zip-format-error.ts'

/*
 * Local header, which repeats the directory record (PKWARE APPNOTE 6.3.10, 4.3.7). Forward readers use it, others use
 * the directory. An archive where the two differ could show different contents to each, so it is refused.
 */

const SIGNATURE = 0x04034b50
const HEADER_BYTES = 30
const ENCRYPTED_FLAG = 0x0001
/** Checksum and sizes follow the content; the header's own are meaningless. */
const DESCRIPTOR_FLAG = 0x0008
/** Sizes of a data descriptor: with or without signature, with 32 or 64 bit sizes (4.3.9). */
const DESCRIPTOR_BYTES: readonly number[] = [12, 16, 20, 24]
const IN_ZIP64 = 0xffffffff

/** Whether the local header of an entry is at an offset. `rawName`: the name's bytes, as latin1. */
export async function isLocalHeader(reader: RangedReader, offset: number, rawName: string): Promise<boolean> {
  const header = await reader.bytes(offset, HEADER_BYTES + rawName.length)
  return (
    header.readUInt32LE(0) === SIGNATURE &&
    header.readUInt16LE(26) === rawName.length &&
    header.toString('latin1', HEADER_BYTES) === rawName
  )
}

/**
 * Compares the local header with the directory record.
 * @returns offset of the content
 * @throws ZipFormatError
 */
export async function locateContent(reader: RangedReader, record: ZipRecord): Promise<number> {
  const { name, offset } = record
  const fixed = await reader.bytes(offset, HEADER_BYTES)
  if (fixed.readUInt32LE(0) !== SIGNATURE)
    throw corruptEntry(name, 'is not at the offset that the directory gives')
  const nameBytes = fixed.readUInt16LE(26)
  const start = offset + HEADER_BYTES + nameBytes + fixed.readUInt16LE(28)
  const behind = record.limit - start - record.compressedBytes
  if (behind < 0) throw corruptEntry(name, 'is longer than its space in the archive')
  const variable = await reader.bytes(offset + HEADER_BYTES, start - offset - HEADER_BYTES)
  const flags = fixed.readUInt16LE(6)
  if ((flags & ENCRYPTED_FLAG) !== 0) throw encryptedZip(`the entry ${quoted(name)}`)
  const hasDescriptor = (flags & DESCRIPTOR_FLAG) !== 0
  const differs =
    variable.toString('latin1', 0, nameBytes) !== record.rawName ||
    fixed.readUInt16LE(8) !== record.method ||
    (!hasDescriptor && !hasSameSizes(fixed, variable.subarray(nameBytes), record))
  if (differs)
    throw corruptEntry(name, 'has a header that differs from the directory (name, method, size or checksum)')
  const isFilled = behind === 0 || (hasDescriptor && DESCRIPTOR_BYTES.includes(behind))
  if (!isFilled) throw unaccounted(name, behind)
  return start
}

function hasSameSizes(fixed: Buffer, extra: Buffer, record: ZipRecord): boolean {
  const large = zip64Sizes(extra)
  const size = (at: number): number => {
    const value = fixed.readUInt32LE(at)
    return value === IN_ZIP64 ? (large.shift() ?? value) : value
  }
  // The order of the calls is that of the extra field.
  const sizeBytes = size(22)
  const compressedBytes = size(18)
  return (
    sizeBytes === record.announced.sizeBytes &&
    compressedBytes === record.announced.compressedBytes &&
    fixed.readUInt32LE(14) === record.crc32
  )
}

function zip64Sizes(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === ZIP64_FIELD) {
      const sizes: number[] = []
      for (let field = at + 4; field + 8 <= Math.min(end, extra.length); field += 8) {
        sizes.push(Number(extra.readBigUInt64LE(field)))
      }
      return sizes
    }
    at = end
  }
  return []
}
