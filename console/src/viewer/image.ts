import type BaseLayer from 'ol/layer/Base.js'
import type { PixelMap, Size } from './map.ts'

/** A local file, or the path of a picture below the API. */
export type ImageSource = Blob | string

/** A picture that can be shown. */
export interface OpenImage extends Size {
  /** Maximum resolution: pixels of the image per pixel of the screen. */
  readonly lowestResolution?: number
  createLayer(map: Pick<PixelMap, 'projection' | 'extent'>): BaseLayer
  close(): void
}
