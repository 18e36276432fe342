import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ImageSource, OpenImage } from './image.ts'
import { createMap, type PixelMap, type Size } from './map.ts'
import { openImage } from './open-image.ts'

export interface MapState {
  readonly target: RefObject<HTMLDivElement | null>
  readonly map: PixelMap | undefined
  readonly image: OpenImage | undefined
  readonly error: unknown
  readonly isLoading: boolean
}

/**
 * Map that shows an image; it is recreated for another image.
 * @param size size of the map without an image
 */
export function useMap(source: ImageSource | undefined, size: Size | undefined): MapState {
  const target = useRef<HTMLDivElement>(null)
  const [state, setState] = useState<Omit<MapState, 'target'>>({
    map: undefined,
    image: undefined,
    error: undefined,
    isLoading: true,
  })
  useEffect(() => {
    let isOver = false
    let close = (): void => undefined
    const show = (image: OpenImage | undefined, error?: unknown): void => {
      const element = target.current
      const extent = image ?? size
      if (isOver || element === null || extent === undefined) {
        image?.close()
        if (!isOver) setState({ map: undefined, image: undefined, error, isLoading: false })
        return
      }
      const map = createMap(element, extent, image?.lowestResolution)
      if (image !== undefined) map.map.addLayer(image.createLayer(map))
      close = () => {
        map.close()
        image?.close()
      }
      setState({ map, image, error, isLoading: false })
    }
    setState((last) => ({ ...last, map: undefined, isLoading: true }))
    if (source === undefined) show(undefined)
    else
      openImage(source).then(
        (image) => show(image),
        (error: unknown) => show(undefined, error),
      )
    return () => {
      isOver = true
      close()
    }
  }, [source, size?.width, size?.height])
  return { target, ...state }
}
