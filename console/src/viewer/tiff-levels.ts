import type { GeoTIFF, GeoTIFFImage } from 'geotiff'

/**
 * Maximum number of directories that are read. A pyramid has about ten, with labels and thumbnails among them. A stack of pages
 * may have thousands. A damaged file may have any number, because its last directory may lead back to the first.
 */
export const MAX_DIRECTORIES = 256

/** The picture and its smaller copies, largest first. Labels and overviews of another shape, which slides have too, are left out. */
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
    // Copies are rounded to whole pixels.
    return Math.abs(own - shape) / shape < Math.max(0.01, 2 / Math.min(image.getWidth(), image.getHeight()))
  })
  return similar.filter((image, at) => at === 0 || image.getWidth() < (similar[at - 1]?.getWidth() ?? 0))
}
