import { Map as OlMap, View } from 'ol'
import type { Extent } from 'ol/extent.js'
import { defaults as defaultInteractions } from 'ol/interaction/defaults.js'
import { Projection } from 'ol/proj.js'
import type { Box } from './shapes.ts'

/*
 * The y axis of OpenLayers points upwards, as that of Cytomine's geometries: position (x, y) of a geometry is (x, y) on the map. The
 * origin is the lower left corner of the image.
 */

export interface Size {
  readonly width: number
  readonly height: number
}

/** A map whose unit is a pixel of an image. */
export interface PixelMap {
  readonly map: OlMap
  readonly projection: Projection
  readonly extent: Extent
  /** Shows a part of the image. One pixel of the image covers at most {@link MAX_ZOOM} pixels of the screen. */
  show(box: Box): void
  showAll(): void
  zoom(factor: number): void
  close(): void
}

/** Maximum zoom: pixels of the screen per pixel of the image. */
const MAX_ZOOM = 16
const ANIMATION_MS = 200

/** @param lowestResolution maximum number of image pixels per screen pixel; more would need too many tiles */
export function createMap(target: HTMLElement, { width, height }: Size, lowestResolution?: number): PixelMap {
  const extent: Extent = [0, 0, width, height]
  const projection = new Projection({ code: 'image-pixels', units: 'pixels', extent })
  const whole = Math.max(width / Math.max(1, target.clientWidth), height / Math.max(1, target.clientHeight))
  const view = new View({
    projection,
    center: [width / 2, height / 2],
    // Zooms out to one and a half times the image, so that its edges can be moved away from the border.
    maxResolution: Math.min(lowestResolution ?? Number.POSITIVE_INFINITY, whole * 1.5),
    minResolution: 1 / MAX_ZOOM,
    extent,
    constrainOnlyCenter: true,
    constrainResolution: false,
    smoothResolutionConstraint: false,
    enableRotation: false,
  })
  const map = new OlMap({
    target,
    view,
    controls: [],
    layers: [],
    interactions: defaultInteractions({ altShiftDragRotate: false, pinchRotate: false }),
  })
  view.fit(extent, { padding: [8, 8, 8, 8] })
  return {
    map,
    projection,
    extent,
    show([left, bottom, right, top]) {
      const margin = Math.max(20, (right - left) / 2, (top - bottom) / 2)
      const part: Extent = [left - margin, bottom - margin, right + margin, top + margin]
      view.fit(part, { duration: ANIMATION_MS, minResolution: 1 / 4 })
    },
    showAll: () => view.fit(extent, { duration: ANIMATION_MS, padding: [8, 8, 8, 8] }),
    zoom: (factor) =>
      view.animate({ resolution: (view.getResolution() ?? 1) / factor, duration: ANIMATION_MS }),
    close() {
      map.setTarget(undefined)
      map.dispose()
    },
  }
}
