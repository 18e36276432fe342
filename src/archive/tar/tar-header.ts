import { corruptTar } from './tar-format-error.ts'

/*
 * Header blocks of tar: POSIX.1-1988 ustar, with GNU's long names and base-256 numbers and POSIX.1-2001 records (pax).
 * Rules where writers differ follow Go's archive/tar, which container engines read images with.
 */

export const BLOCK_BYTES = 512
/** GNU's form before there was pax, and star's. */
const GNU_SPARSE = 'S'

/** A header block as it stands, long names not yet applied. */
export interface TarHeader {
  readonly name: string
  readonly linkName: string
  readonly sizeBytes: number
  /** One character. */
  readonly typeFlag: string
  /** Its content begins with a map of what was left out, or has more headers before it. */
  readonly isSparse: boolean
}

/** What pax records or GNU's long names say instead of the header that follows. */
export interface HeaderOverrides {
  readonly name?: string
  readonly linkName?: string
  readonly sizeBytes?: number
  readonly isSparse?: true
}

/** A block of zeros ends an archive. */
export function isZeroBlock(block: Buffer): boolean {
  return block.every((byte) => byte === 0)
}

/**
 * Fields of a header block; undefined when its checksum is wrong, which says that it is none.
 * @throws TarFormatError when a sound checksum covers numbers that are none.
 */
export function decodeHeader(block: Buffer): TarHeader | undefined {
  if (!hasRightChecksum(block)) return undefined
  const typeFlag = block.toString('latin1', 156, 157).replace('\0', '0')
  // GNU's own magic has a space here and other fields where the prefix would be.
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isUstar ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: text(block, 157, 100),
    sizeBytes: number(block.subarray(124, 136)),
    typeFlag,
    isSparse: typeFlag === GNU_SPARSE,
  }
}

/**
 * Records of a pax header, `length key=value\n` each.
 * @throws TarFormatError
 */
export function decodePax(body: Buffer): HeaderOverrides {
  let overrides: HeaderOverrides = {}
  let at = 0
  while (at < body.length) {
    const space = body.indexOf(0x20, at)
    const length = space < 0 ? Number.NaN : Number(body.toString('latin1', at, space))
    const end = at + length
    if (!Number.isSafeInteger(length) || end > body.length || end <= space || body[end - 1] !== 0x0a) {
      throw corruptTar('a record of its extended header is malformed')
    }
    const record = body.toString('utf8', space + 1, end - 1)
    const equals = record.indexOf('=')
    overrides = { ...overrides, ...override(record.slice(0, equals), record.slice(equals + 1)) }
    at = end
  }
  return overrides
}

/** The text of a GNU long name. */
export function decodeLongName(body: Buffer): string {
  return text(body, 0, body.length)
}

function override(key: string, value: string): HeaderOverrides {
  switch (key) {
    case 'path':
      return { name: value }
    case 'linkpath':
      return { linkName: value }
    case 'size': {
      const sizeBytes = /^[0-9]+$/u.test(value) ? Number(value) : Number.NaN
      if (!Number.isSafeInteger(sizeBytes)) throw corruptTar('the size in an extended header is no number')
      return { sizeBytes }
    }
    case 'GNU.sparse.name':
      return { name: value, isSparse: true }
    default:
      return key.startsWith('GNU.sparse.') ? { isSparse: true } : {}
  }
}

/** The sum of all bytes, its own field taken as spaces; old writers summed them as signed. */
function hasRightChecksum(block: Buffer): boolean {
  let unsigned = 8 * 0x20
  let signed = unsigned
  for (const [index, byte] of block.entries()) {
    if (index >= 148 && index < 156) continue
    unsigned += byte
    signed += byte < 128 ? byte : byte - 256
  }
  const stored = Number.parseInt(text(block, 148, 8).trim(), 8)
  return stored === unsigned || stored === signed
}

function text(block: Buffer, start: number, length: number): string {
  const field = block.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? field.length : end)
}

/** Octal digits, or GNU's binary form for what they cannot hold: the first bit is set. */
function number(field: Buffer): number {
  const isBinary = (field.readUInt8(0) & 0x80) !== 0
  const digits = field.toString('latin1').replaceAll(/[\0 ]/gu, '')
  const value = isBinary
    ? Number(BigInt(`0x${field.toString('hex')}`) & ((1n << 95n) - 1n))
    : /^[0-7]*$/u.test(digits)
      ? Number.parseInt(digits || '0', 8)
      : Number.NaN
  if (!Number.isSafeInteger(value)) throw corruptTar('a size in it is no number')
  return value
}
