import type BaseLayer from 'ol/layer/Base.js'
import type { PixelMap, Size } from './map.ts'

/** A local file, or the path of an image relative to the API. */
export type ImageSource = Blob | string

/** An image that can be shown. */
export interface OpenImage extends Size {
  /** Lowest resolution that can be shown: maximum number of image pixels per screen pixel. */
  readonly lowestResolution?: number
  createLayer(map: Pick<PixelMap, 'projection' | 'extent'>): BaseLayer
  close(): void
}
