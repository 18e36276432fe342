import type { ByteSource } from '../shared/byte-source.ts'
import { formatOf, signatureBytes } from '../shared/file-signatures.ts'
import { readAll } from '../shared/read-all.ts'

/** Single-file formats that are recognised by their first bytes. */
export type ImageFormat = 'png' | 'jpeg' | 'tiff' | 'dicom'

/** Formats whose size can be read, for parameters without a format in the descriptor. */
export type SizedFormat = ImageFormat | 'gif' | 'bmp'

/** Image formats in the order in which they are tried. */
export const IMAGE_FORMATS: readonly ImageFormat[] = ['png', 'jpeg', 'tiff', 'dicom']

/** Formats with a size in the order in which they are tried; BMP is last, because two letters are a weak signature. */
export const SIZED_FORMATS: readonly SizedFormat[] = [...IMAGE_FORMATS, 'gif', 'bmp']

const START_BYTES = signatureBytes(SIZED_FORMATS)

/**
 * The first of `formats` whose signature the file has. A file may have two: slide scanners put a TIFF header into the
 * free preamble of a DICOM file. BigTIFF is not recognised as `tiff`, since tasks that require TIFF may not read it.
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
