import type { GeoTIFF, GeoTIFFImage } from 'geotiff'

/**
 * Maximum number of directories that are read. A pyramid has about ten, including labels and thumbnails. A stack of pages may have
 * thousands. In a damaged file they may form a loop.
 */
export const MAX_DIRECTORIES = 256

/** The image and its smaller copies, largest first. Labels and overviews with another aspect ratio, as in slides, are omitted. */
export async function levelsOf(tiff: Pick<GeoTIFF, 'getImage' | 'requestIFD'>): Promise<GeoTIFFImage[]> {
  const all: GeoTIFFImage[] = []
  while (all.length < MAX_DIRECTORIES) {
    const { nextIFDByteOffset } = await tiff.requestIFD(all.length)
    all.push(await tiff.getImage(all.length))
    if (nextIFDByteOffset === 0) break
  }
  const sorted = all.sort((one, other) => other.getWidth() - one.getWidth())
  const [first] = sorted
  const shape = first === undefined ? 1 : first.getWidth() / first.getHeight()
  const similar = sorted.filter((image) => {
    const own = image.getWidth() / image.getHeight()
    // The tolerance covers the rounding of smaller copies to whole pixels.
    return Math.abs(own - shape) / shape < Math.max(0.01, 2 / Math.min(image.getWidth(), image.getHeight()))
  })
  return similar.filter((image, at) => at === 0 || image.getWidth() < (similar[at - 1]?.getWidth() ?? 0))
}
