import type BaseLayer from 'ol/layer/Base.js'
import type { PixelMap, Size } from './map.ts'

/** A picture of this machine, or the path of one below the API. */
export type ImageSource = Blob | string

/** A picture that can be shown. */
export interface OpenImage extends Size {
  /** Pixels of the image for one of the screen, at most. */
  readonly lowestResolution?: number
  createLayer(map: Pick<PixelMap, 'projection' | 'extent'>): BaseLayer
  close(): void
}
