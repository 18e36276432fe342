import { BaseClient, BaseResponse, fromBlob, fromCustomClient, type GeoTIFFImage } from 'geotiff'
import TileLayer from 'ol/layer/Tile.js'
import DataTileSource from 'ol/source/DataTile.js'
import TileGrid from 'ol/tilegrid/TileGrid.js'
import { call } from '../api/client.ts'
import type { ImageSource, OpenImage } from './image.ts'
import { levelsOf } from './tiff-levels.ts'

/** Width and height of the map's tiles, which do not depend on the tiles or strips of the file. */
const TILE = 512
/** Maximum size of the smallest level to be read as a whole, in pixels. */
const MAX_WHOLE_PIXELS = 4096 * 4096
/** How long a presigned URL is used; it is valid for 300 s. */
const ADDRESS_MS = 200_000

/** Opens a TIFF or BigTIFF. Only the ranges of visible tiles are read. */
export async function openTiff(source: ImageSource): Promise<OpenImage> {
  const tiff =
    typeof source === 'string'
      ? await fromCustomClient(new RunFileClient(source), { blockSize: 65_536 })
      : await fromBlob(source)
  const levels = await levelsOf(tiff)
  const [largest] = levels
  const smallest = levels.at(-1)
  if (largest === undefined || smallest === undefined) throw new Error('The TIFF contains no image.')
  const [width, height] = [largest.getWidth(), largest.getHeight()]
  const resolutions = levels.map((level) => width / level.getWidth())
  const isSmall = smallest.getWidth() * smallest.getHeight() <= MAX_WHOLE_PIXELS
  return {
    width,
    height,
    ...(isSmall ? {} : { lowestResolution: 2 * (resolutions.at(-1) ?? 1) }),
    createLayer({ projection, extent }) {
      // The tile grid orders levels from the smallest image to the largest.
      const ordered = levels.toReversed()
      const tileGrid = new TileGrid({
        extent,
        // Tiles are counted from the upper left corner.
        origin: [0, height],
        resolutions: resolutions.toReversed(),
        tileSize: TILE,
      })
      const load = (z: number, x: number, y: number): Promise<HTMLCanvasElement> =>
        readTile(ordered[z] ?? largest, x, y)
      const data = new DataTileSource({
        projection,
        tileGrid,
        loader: load,
        wrapX: false,
        transition: 0,
        interpolate: true,
      })
      return new TileLayer({ source: data })
    },
    close: () => void tiff.close(),
  }
}

async function readTile(image: GeoTIFFImage, x: number, y: number): Promise<HTMLCanvasElement> {
  const canvas = document.createElement('canvas')
  canvas.width = TILE
  canvas.height = TILE
  const left = x * TILE
  const top = y * TILE
  const right = Math.min(left + TILE, image.getWidth())
  const bottom = Math.min(top + TILE, image.getHeight())
  const context = canvas.getContext('2d')
  if (context === null || right <= left || bottom <= top) return canvas
  const rgb = await image.readRGB({ window: [left, top, right, bottom], interleave: true })
  context.putImageData(pixelsOf(rgb as ArrayLike<number>, right - left, bottom - top), 0, 0)
  return canvas
}

function pixelsOf(rgb: ArrayLike<number>, width: number, height: number): ImageData {
  const pixels = new ImageData(width, height)
  const samples = rgb.length / (width * height)
  // The canvas has 8 bits a sample: of 16 bits, the upper 8.
  const shift = rgb instanceof Uint16Array ? 8 : 0
  for (let at = 0; at < width * height; at += 1) {
    for (let sample = 0; sample < 3; sample += 1) {
      pixels.data[4 * at + sample] = (rgb[samples * at + Math.min(sample, samples - 1)] ?? 0) >> shift
    }
    pixels.data[4 * at + 3] = 255
  }
  return pixels
}

/** Reads ranges of a run's file. The URL to which the API redirects is reused while it is valid. */
class RunFileClient extends BaseClient {
  #address: string | undefined
  #since = 0

  override async request({ headers, signal }: RequestInit = {}): Promise<BaseResponse> {
    const ranged = headers as Record<string, string>
    const isKnown = this.#address !== undefined && Date.now() - this.#since < ADDRESS_MS
    const answer = isKnown
      ? await fetch(this.#address ?? '', { headers: ranged, credentials: 'omit', signal: signal ?? null })
      : await call(this.url, { headers: ranged, signal: signal ?? undefined })
    if (!isKnown) {
      this.#address = answer.redirected ? answer.url : undefined
      this.#since = Date.now()
    }
    return new RangeResponse(answer)
  }
}

class RangeResponse extends BaseResponse {
  readonly #answer: Response

  constructor(answer: Response) {
    super()
    this.#answer = answer
  }

  override get ok(): boolean {
    return this.#answer.ok
  }

  override get status(): number {
    return this.#answer.status
  }

  override getHeader(name: string): string | undefined {
    return this.#answer.headers.get(name) ?? undefined
  }

  override getData(): Promise<ArrayBuffer> {
    return this.#answer.arrayBuffer()
  }
}
