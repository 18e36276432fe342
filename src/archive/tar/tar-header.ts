import { corruptTar } from './tar-format-error.ts'

/*
 * Tar headers: POSIX.1-1988 ustar, GNU long names and base-256 numbers, POSIX.1-2001 extended headers (pax).
 * Where writers differ, the rules follow Go's archive/tar, which container engines read images with.
 */

export const BLOCK_BYTES = 512
/** Limit of extension headers (long names, pax records), as in Go's archive/tar. Writers store file attributes in them, a few KiB at most. */
export const MAX_EXTENSION_BYTES = 1024 * 1024
/** Type flags of links, devices, directories and pipes: they have no content, whatever size their header gives. */
export const HEADER_ONLY = '123456'
/** Type flag of the sparse files of star, and of GNU tar without pax. */
const GNU_SPARSE = 'S'

const UNKNOWN_UID = -1

/** A decoded header block; long names are not yet applied. */
export interface TarHeader {
  readonly name: string
  readonly linkName: string
  readonly sizeBytes: number
  /** Type flag, one character. */
  readonly typeFlag: string
  /** Permission bits; 0 when they are malformed. */
  readonly mode: number
  /** User id of the owner; -1 when it is malformed. */
  readonly uid: number
  /** The content starts with a map of holes, or more headers precede it. */
  readonly isSparse: boolean
}

/** Values of pax records or GNU long names that replace those of the next header. */
export interface HeaderOverrides {
  readonly name?: string
  readonly linkName?: string
  readonly sizeBytes?: number
  readonly uid?: number
  readonly isSparse?: true
}

/** Whether a block has only zeros, as at the end of an archive. */
export function isZeroBlock(block: Buffer): boolean {
  return block.every((byte) => byte === 0)
}

/**
 * Decodes a header block; undefined when the checksum is wrong, so the block is not a header.
 * @throws TarFormatError when the checksum is right and a number is malformed
 */
export function decodeHeader(block: Buffer): TarHeader | undefined {
  if (!hasRightChecksum(block)) return undefined
  const typeFlag = block.toString('latin1', 156, 157).replace('\0', '0')
  // GNU's magic has a space here, and other fields at the offset of the prefix.
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isUstar ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: text(block, 157, 100),
    sizeBytes: requireSize(numberOf(block.subarray(124, 136))),
    typeFlag,
    mode: (Number.parseInt(text(block, 100, 8).trim(), 8) || 0) & 0o7777,
    uid: numberOf(block.subarray(108, 116)) ?? UNKNOWN_UID,
    isSparse: typeFlag === GNU_SPARSE,
  }
}

/**
 * Decodes the records of a pax header, `length key=value\n` each.
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
      const sizeBytes = wholeNumber(value)
      if (sizeBytes === undefined) throw corruptTar('the size in an extended header is not a number')
      return { sizeBytes }
    }
    // Writers put ids of more than seven octal digits here.
    case 'uid':
      return { uid: wholeNumber(value) ?? UNKNOWN_UID }
    case 'GNU.sparse.name':
      return { name: value, isSparse: true }
    default:
      return key.startsWith('GNU.sparse.') ? { isSparse: true } : {}
  }
}

/** Compares the checksum, the sum of all bytes with its own field read as spaces; old writers summed signed bytes. */
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

function wholeNumber(digits: string): number | undefined {
  const value = /^[0-9]+$/u.test(digits) ? Number(digits) : Number.NaN
  return Number.isSafeInteger(value) ? value : undefined
}

/** Octal digits, or GNU's base-256 form when the first bit is set. @returns undefined for anything else */
function numberOf(field: Buffer): number | undefined {
  const isBinary = (field.readUInt8(0) & 0x80) !== 0
  const digits = field.toString('latin1').replaceAll(/[\0 ]/gu, '')
  const value = isBinary
    ? Number(BigInt(`0x${field.toString('hex')}`) & ((1n << BigInt(field.length * 8 - 1)) - 1n))
    : /^[0-7]*$/u.test(digits)
      ? Number.parseInt(digits || '0', 8)
      : Number.NaN
  return Number.isSafeInteger(value) ? value : undefined
}

function requireSize(sizeBytes: number | undefined): number {
  if (sizeBytes === undefined) throw corruptTar('a size in it is not a number')
  return sizeBytes
}
