import ImageLayer from 'ol/layer/Image.js'
import ImageCanvasSource from 'ol/source/ImageCanvas.js'
import { drawShapes, type ShapeStyle } from './draw-shapes.ts'
import type { PixelMap } from './map.ts'
import type { Shapes } from './shapes.ts'

/** Size of the drawn area relative to the view; larger than 1, so that panning shows shapes at once. */
const RATIO = 1.5

/** Layer that draws all shapes to one image. The image is moved while the user pans, and redrawn afterwards. */
export interface ShapeLayer {
  readonly layer: ImageLayer<ImageCanvasSource>
  /** Selects the only shape to draw; `undefined`: none. */
  choose(at: number | undefined): void
}

/** @param isChoice whether to draw only the selected shape */
export function createShapeLayer(
  { projection }: Pick<PixelMap, 'projection'>,
  shapes: Shapes,
  style: ShapeStyle,
  isChoice = false,
): ShapeLayer {
  let chosen: number | undefined
  const source = new ImageCanvasSource({
    projection,
    ratio: RATIO,
    canvasFunction: (extent, resolution, pixelRatio, size) => {
      const canvas = document.createElement('canvas')
      canvas.width = Math.ceil(size[0] ?? 0)
      canvas.height = Math.ceil(size[1] ?? 0)
      const context = canvas.getContext('2d')
      if (context === null || (isChoice && chosen === undefined)) return canvas
      const [left = 0, bottom = 0, right = 0, top = 0] = extent
      const view = {
        box: [left, bottom, right, top] as const,
        scale: pixelRatio / resolution,
        only: isChoice ? chosen : undefined,
      }
      const begun = performance.now()
      drawShapes(context, shapes, view, { ...style, width: style.width * pixelRatio })
      if (!isChoice) performance.measure(`shapes ${shapes.count}`, { start: begun, end: performance.now() })
      return canvas
    },
  })
  return {
    layer: new ImageLayer({ source }),
    choose(at) {
      chosen = at
      source.changed()
    },
  }
}
