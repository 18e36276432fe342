import type { ByteSource } from '../shared/byte-source.ts'
import { readAll } from '../shared/read-all.ts'

/** Formats of single files that are told by their first bytes. */
export type ImageFormat = 'png' | 'jpeg' | 'tiff' | 'dicom'

/** What an image may be where the descriptor names no format: its size is read from these as well. */
export type SizedFormat = ImageFormat | 'gif' | 'bmp'

/** All of them, in the order in which a file of unknown format is tried. */
export const IMAGE_FORMATS: readonly ImageFormat[] = ['png', 'jpeg', 'tiff', 'dicom']

/** In the order of trying: BMP last, as two letters are a weak signature. */
export const SIZED_FORMATS: readonly SizedFormat[] = [...IMAGE_FORMATS, 'gif', 'bmp']

/** A free preamble of 128 bytes stands before DICOM's own letters. */
const DICOM_SIGNATURE_AT = 128
const START_BYTES = DICOM_SIGNATURE_AT + 4

/** BigTIFF (version 43) is no `tiff` here: tasks that ask for one are not expected to read it. */
const SIGNATURES: Record<SizedFormat, { readonly at: number; readonly anyOf: readonly string[] }> = {
  png: { at: 0, anyOf: ['\x89PNG\r\n\x1a\n'] },
  jpeg: { at: 0, anyOf: ['\xff\xd8\xff'] },
  tiff: { at: 0, anyOf: ['II*\0', 'MM\0*'] },
  dicom: { at: DICOM_SIGNATURE_AT, anyOf: ['DICM'] },
  gif: { at: 0, anyOf: ['GIF87a', 'GIF89a'] },
  bmp: { at: 0, anyOf: ['BM'] },
}

/**
 * The first of `formats` whose signature the file bears. A file may bear two: a DICOM file's preamble is free, and slide
 * scanners put a TIFF header there.
 */
export async function recogniseImage<Format extends SizedFormat>(
  source: ByteSource,
  formats: readonly Format[],
): Promise<Format | undefined> {
  const start = await startOf(source)
  return formats.find((format) => {
    const { at, anyOf } = SIGNATURES[format]
    return anyOf.some((signature) => start.startsWith(signature, at))
  })
}

/** Whether the file starts with the header of a zip entry. */
export async function isZip(source: ByteSource): Promise<boolean> {
  return (await startOf(source)).startsWith('PK\x03\x04')
}

async function startOf(source: ByteSource): Promise<string> {
  const length = Math.min(START_BYTES, source.sizeBytes)
  return length === 0 ? '' : (await readAll(await source.read(0, length))).toString('latin1')
}
