import type { Pause } from '../shared/retry.ts'
import type { HeldLayers } from './image/find-image.ts'
import type { LayerPusher } from './layer-pusher.ts'
import type { PushProgress } from './push-progress.ts'

/** An image archive whose layers are pushed, however its bytes are read. */
export interface PushedArchive {
  /** Tag that selects the image when the archive has several. */
  readonly wantedTag: string
  readonly held: HeldLayers
  readonly pusher: LayerPusher
  readonly progress: PushProgress
  readonly pause: Pause
  readonly signal: AbortSignal
}
