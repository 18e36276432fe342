import type { ByteSource } from '../shared/byte-source.ts'
import { readBmpDimensions } from './bmp-header.ts'
import { readDicomDimensions } from './dicom-header.ts'
import type { Dimensions } from './dimensions.ts'
import { readGifDimensions } from './gif-header.ts'
import { createHeaderReader, type HeaderReader, ImageHeaderError } from './header-reader.ts'
import { readJpegDimensions } from './jpeg-header.ts'
import { readPngDimensions } from './png-header.ts'
import { type ImageFormat, recogniseImage, SIZED_FORMATS, type SizedFormat } from './recognise-image.ts'
import { readTiffDimensions } from './tiff-directory.ts'

const READERS: Record<SizedFormat, (reader: HeaderReader) => Promise<Dimensions>> = {
  png: readPngDimensions,
  jpeg: readJpegDimensions,
  tiff: readTiffDimensions,
  dicom: readDicomDimensions,
  gif: readGifDimensions,
  bmp: readBmpDimensions,
}

/**
 * Reads the size from an image's header, of which at most {@link MAX_HEADER_BYTES} are read; undefined when the header
 * lacks it, is damaged, or gives zero. Pass the accepted `format`, since a file may have two signatures. Without it all
 * signatures are tried, those of BigTIFF, GIF and BMP included.
 */
export async function readDimensions(
  source: ByteSource,
  format?: ImageFormat,
): Promise<Dimensions | undefined> {
  // The TIFF reader accepts BigTIFF too and refuses everything else.
  const known = format ?? (await recogniseImage(source, SIZED_FORMATS)) ?? 'tiff'
  try {
    const { width, height } = await READERS[known](createHeaderReader(source))
    return width > 0 && height > 0 ? { width, height } : undefined
  } catch (error) {
    if (error instanceof ImageHeaderError) return undefined
    throw error
  }
}
