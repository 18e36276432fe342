import ImageLayer from 'ol/layer/Image.js'
import ImageStatic from 'ol/source/ImageStatic.js'
import { call } from '../api/client.ts'
import type { ImageSource, OpenImage } from './image.ts'
import type { Size } from './map.ts'

/** Limit for PNG and JPEG, because browsers keep the whole decoded image in memory. */
const MAX_PIXELS = 150_000_000
const HEAD_BYTES = 32

/** @throws Error with a message for users when the browser cannot show the picture */
export async function openImage(source: ImageSource): Promise<OpenImage> {
  const head = await headOf(source)
  switch (formatOf(head)) {
    case 'png':
    case 'jpeg':
      return openPicture(source)
    case 'tiff':
      return (await import('./open-tiff.ts')).openTiff(source)
    default:
      throw new Error(
        'There is no preview of this format, only of PNG, JPEG and TIFF. Download the file instead.',
      )
  }
}

async function headOf(source: ImageSource): Promise<Uint8Array> {
  if (typeof source !== 'string') return new Uint8Array(await source.slice(0, HEAD_BYTES).arrayBuffer())
  const answer = await call(source, { headers: { range: `bytes=0-${HEAD_BYTES - 1}` } })
  return new Uint8Array(await answer.arrayBuffer())
}

function formatOf(head: Uint8Array): 'png' | 'jpeg' | 'tiff' | undefined {
  const [a, b, c, d] = head
  if (a === 0x89 && b === 0x50 && c === 0x4e && d === 0x47) return 'png'
  if (a === 0xff && b === 0xd8) return 'jpeg'
  const isLittle = a === 0x49 && b === 0x49 && (c === 0x2a || c === 0x2b) && d === 0
  const isBig = a === 0x4d && b === 0x4d && c === 0 && (d === 0x2a || d === 0x2b)
  return isLittle || isBig ? 'tiff' : undefined
}

async function openPicture(source: ImageSource): Promise<OpenImage> {
  const blob = typeof source === 'string' ? await (await call(source)).blob() : source
  const address = URL.createObjectURL(blob)
  const { width, height } = await sizeOf(address)
  if (width * height > MAX_PIXELS) {
    URL.revokeObjectURL(address)
    throw new Error(
      `The picture has ${width} × ${height} pixels, more than a browser can show. Download it instead.`,
    )
  }
  return {
    width,
    height,
    createLayer: ({ projection, extent }) =>
      new ImageLayer({
        source: new ImageStatic({ url: address, imageExtent: extent, projection, interpolate: false }),
      }),
    close: () => URL.revokeObjectURL(address),
  }
}

function sizeOf(address: string): Promise<Size> {
  return new Promise((resolve, reject) => {
    const image = new Image()
    image.onload = () => resolve({ width: image.naturalWidth, height: image.naturalHeight })
    image.onerror = () => reject(new Error('The picture is damaged: the browser cannot read it.'))
    image.src = address
  })
}
