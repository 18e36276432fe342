import type { ImageSource } from './image.ts'
import { MapFrame } from './map-frame.tsx'
import { useMap } from './use-map.ts'

export interface ImageViewProps {
  readonly source: ImageSource
  readonly label: string
}

/** An image that can be zoomed and panned. */
export function ImageView({ source, label }: ImageViewProps) {
  const state = useMap(source, undefined)
  return <MapFrame state={state} label={label} isSmall />
}
