import type { Dimensions } from './dimensions.ts'
import { type HeaderReader, ImageHeaderError } from './header-reader.ts'

/*
 * A DICOM file is a preamble, the letters DICM, and data elements in ascending tag order: first group 2, the file meta
 * information, then the data set in the encoding that the meta information names.
 * Formats: DICOM PS3.10, section 7; PS3.5, section 7 and annex A.
 */

const META_AT = 132
const META_GROUP = 0x0002
const TRANSFER_SYNTAX = 0x00020010
const ROWS = 0x00280010
const COLUMNS = 0x00280011
/** Group of the pixels; Rows and Columns come before it. */
const PIXEL_DATA_GROUP = 0x7fe00000

const DELIMITER_GROUP = 0xfffe
const ITEM = 0xfffee000
const ITEM_END = 0xfffee00d
const SEQUENCE_END = 0xfffee0dd

/** The element ends at a delimiter. */
const UNDEFINED_LENGTH = 0xffffffff
const MAX_UID_BYTES = 64

/** Value representations with a length of four bytes after two reserved ones. */
const LONG_REPRESENTATIONS: ReadonlySet<string> = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '))

interface Encoding {
  /** Each element names its value representation. */
  readonly isExplicit: boolean
  readonly isLittleEndian: boolean
}

const IMPLICIT_LITTLE: Encoding = { isExplicit: false, isLittleEndian: true }
const EXPLICIT_LITTLE: Encoding = { isExplicit: true, isLittleEndian: true }
const EXPLICIT_BIG: Encoding = { isExplicit: true, isLittleEndian: false }

/** All other syntaxes, compressed pixels included, are explicit little endian. */
const ENCODINGS: ReadonlyMap<string, Encoding> = new Map([
  ['1.2.840.10008.1.2', IMPLICIT_LITTLE],
  ['1.2.840.10008.1.2.2', EXPLICIT_BIG],
])
/** The whole data set is deflated: used for reports, not for slides. */
const DEFLATED = '1.2.840.10008.1.2.1.99'

interface Element {
  readonly tag: number
  readonly representation?: string
  readonly lengthBytes: number
  readonly valueAt: number
}

/**
 * Reads Columns and Rows of the data set, not those of images nested in sequences; values are skipped.
 * @throws ImageHeaderError also when pixels come first, or the data set is deflated
 */
export async function readDicomDimensions(reader: HeaderReader): Promise<Dimensions> {
  const { encoding, dataSetAt } = await readMeta(reader)
  let at = dataSetAt
  let width: number | undefined
  let height: number | undefined
  while (width === undefined || height === undefined) {
    const element = await readElement(reader, at, encoding)
    if (element.tag >= PIXEL_DATA_GROUP) throw new ImageHeaderError('the DICOM file has no Rows and Columns')
    if (element.tag === ROWS) height = await readShort(reader, element, encoding)
    if (element.tag === COLUMNS) width = await readShort(reader, element, encoding)
    at = await endOf(reader, element, encoding)
  }
  return { width, height }
}

async function readMeta(
  reader: HeaderReader,
): Promise<{ readonly encoding: Encoding; readonly dataSetAt: number }> {
  let at = META_AT
  let transferSyntax: string | undefined
  while ((await reader.bytes(at, 2)).readUInt16LE(0) === META_GROUP) {
    const { tag, lengthBytes, valueAt } = await readElement(reader, at, EXPLICIT_LITTLE)
    if (tag === TRANSFER_SYNTAX) {
      if (lengthBytes > MAX_UID_BYTES) throw new ImageHeaderError('the transfer syntax is too long')
      const padded = (await reader.bytes(valueAt, lengthBytes)).toString('latin1')
      transferSyntax = padded.replace(/[\0 ]+$/u, '')
    }
    at = valueAt + lengthBytes
  }
  if (transferSyntax === undefined || transferSyntax === DEFLATED) {
    throw new ImageHeaderError('the DICOM file has no transfer syntax, or an unsupported one')
  }
  return { encoding: ENCODINGS.get(transferSyntax) ?? EXPLICIT_LITTLE, dataSetAt: at }
}

async function readElement(reader: HeaderReader, at: number, encoding: Encoding): Promise<Element> {
  const start = await reader.bytes(at, 8)
  const group = short(start, 0, encoding)
  const tag = group * 0x10000 + short(start, 2, encoding)
  if (!encoding.isExplicit || group === DELIMITER_GROUP) {
    return { tag, lengthBytes: long(start, 4, encoding), valueAt: at + 8 }
  }
  const representation = start.toString('latin1', 4, 6)
  if (!/^[A-Z]{2}$/u.test(representation)) throw new ImageHeaderError('the DICOM file is damaged')
  if (!LONG_REPRESENTATIONS.has(representation)) {
    return { tag, representation, lengthBytes: short(start, 6, encoding), valueAt: at + 8 }
  }
  const lengthBytes = long(await reader.bytes(at + 8, 4), 0, encoding)
  return { tag, representation, lengthBytes, valueAt: at + 12 }
}

async function endOf(reader: HeaderReader, element: Element, encoding: Encoding): Promise<number> {
  if (element.lengthBytes !== UNDEFINED_LENGTH) return element.valueAt + element.lengthBytes
  return await endOfSequence(reader, element.valueAt, innerEncoding(element, encoding))
}

/** Skips items and their content, at any depth, up to the delimiter that closes the sequence. */
async function endOfSequence(reader: HeaderReader, start: number, encoding: Encoding): Promise<number> {
  let at = start
  const open = [{ isSequence: true, encoding }]
  for (let inner = open.at(-1); inner !== undefined; inner = open.at(-1)) {
    const element = await readElement(reader, at, inner.encoding)
    const { tag, lengthBytes, valueAt } = element
    at = valueAt
    if (tag === (inner.isSequence ? SEQUENCE_END : ITEM_END)) {
      open.pop()
      continue
    }
    // A sequence contains only items; an item contains neither items nor delimiters directly.
    if (inner.isSequence ? tag !== ITEM : tag >= ITEM) {
      throw new ImageHeaderError('the DICOM file has a damaged sequence')
    }
    if (lengthBytes === UNDEFINED_LENGTH) {
      open.push({ isSequence: !inner.isSequence, encoding: innerEncoding(element, inner.encoding) })
    } else at += lengthBytes
  }
  return at
}

/** A sequence with representation UN is encoded implicitly in any context (PS3.5, section 6.2.2). */
function innerEncoding({ representation }: Element, outer: Encoding): Encoding {
  return representation === 'UN' ? IMPLICIT_LITTLE : outer
}

async function readShort(reader: HeaderReader, element: Element, encoding: Encoding): Promise<number> {
  if (element.lengthBytes !== 2) throw new ImageHeaderError('the DICOM file has a size of a wrong type')
  return short(await reader.bytes(element.valueAt, 2), 0, encoding)
}

function short(bytes: Buffer, at: number, { isLittleEndian }: Encoding): number {
  return isLittleEndian ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)
}

function long(bytes: Buffer, at: number, { isLittleEndian }: Encoding): number {
  return isLittleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
}
