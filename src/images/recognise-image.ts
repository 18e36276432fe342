import type { ByteSource } from '../shared/byte-source.ts'
import { formatOf, signatureBytes } from '../shared/file-signatures.ts'
import { readAll } from '../shared/read-all.ts'

/** Formats of single files that are told by their first bytes. */
export type ImageFormat = 'png' | 'jpeg' | 'tiff' | 'dicom'

/** What an image may be where the descriptor names no format: its size is read from these as well. */
export type SizedFormat = ImageFormat | 'gif' | 'bmp'

/** All of them, in the order in which a file of unknown format is tried. */
export const IMAGE_FORMATS: readonly ImageFormat[] = ['png', 'jpeg', 'tiff', 'dicom']

/** In the order of trying: BMP last, as two letters are a weak signature. */
export const SIZED_FORMATS: readonly SizedFormat[] = [...IMAGE_FORMATS, 'gif', 'bmp']

const START_BYTES = signatureBytes(SIZED_FORMATS)

/**
 * The first of `formats` whose signature the file bears. A file may bear two: a DICOM file's preamble is free, and slide
 * scanners put a TIFF header there. BigTIFF is no `tiff`: tasks that ask for one are not expected to read it.
 */
export async function recogniseImage<Format extends SizedFormat>(
  source: ByteSource,
  formats: readonly Format[],
): Promise<Format | undefined> {
  return formatOf(await startOf(source), formats)
}

/** Whether the file starts with the header of a zip entry. */
export async function isZip(source: ByteSource): Promise<boolean> {
  return formatOf(await startOf(source), ['zipEntry']) !== undefined
}

async function startOf(source: ByteSource): Promise<Buffer> {
  const length = Math.min(START_BYTES, source.sizeBytes)
  return length === 0 ? Buffer.alloc(0) : await readAll(await source.read(0, length))
}
