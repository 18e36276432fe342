import type { ComponentChildren } from 'preact'
import { Loading } from '../ui/parts.tsx'
import { Problem } from '../ui/problem.tsx'
import type { MapState } from './use-map.ts'

interface FrameProps {
  readonly state: MapState
  readonly label: string
  readonly isSmall?: boolean
  readonly children?: ComponentChildren
}

/** The map with its buttons. While it has the focus, arrow keys pan, and + and - zoom. */
export function MapFrame({
  state: { target, map, image, error, isLoading },
  label,
  isSmall = false,
  children,
}: FrameProps) {
  return (
    <div class={isSmall ? 'map-frame small-map' : 'map-frame'}>
      <div class="map-bar">
        {children}
        <span class="map-buttons">
          {image !== undefined && (
            <span class="muted small-text number">
              {image.width} × {image.height}
            </span>
          )}
          <button
            type="button"
            class="small"
            aria-label="Zoom in"
            disabled={map === undefined}
            onClick={() => map?.zoom(2)}
          >
            +
          </button>
          <button
            type="button"
            class="small"
            aria-label="Zoom out"
            disabled={map === undefined}
            onClick={() => map?.zoom(0.5)}
          >
            −
          </button>
          <button type="button" class="small" disabled={map === undefined} onClick={() => map?.showAll()}>
            Show all
          </button>
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys pan, and + and - zoom */}
      <div ref={target} class="map" role="application" aria-label={label} tabIndex={0} />
      {isLoading && <Loading what="the picture" />}
      {error !== undefined && <Problem error={error} title="No preview." />}
    </div>
  )
}
