import { type Box, boxOf, KIND, type Shapes } from './shapes.ts'

export interface ShapeStyle {
  readonly stroke: string
  readonly fill: string
  readonly width: number
}

interface View {
  /** Part of the image that the canvas shows. */
  readonly box: Box
  /** Index of the only shape to draw; undefined: all. */
  readonly only?: number | undefined
  /** Pixels of the canvas per pixel of the image. */
  readonly scale: number
}

/** Size below which a shape is drawn as a dot, in pixels of the canvas. */
const DOT_PIXELS = 3
/** Maximum number of subpaths that are filled together: the time that browsers need grows faster than this number. */
const BATCH = 400
const POINT_RADIUS = 4
/** Distance below which positions are merged, in pixels of the canvas. */
const NEAR_PIXELS = 0.6

/**
 * Draws the shapes in a part of the image. Small shapes are drawn as dots, so that 100 000 shapes take milliseconds instead of
 * seconds.
 */
export function drawShapes(
  context: CanvasRenderingContext2D,
  shapes: Shapes,
  { box, scale, only }: View,
  style: ShapeStyle,
): void {
  const painter = createPainter(context, style)
  // The canvas counts y from its upper edge.
  context.setTransform(scale, 0, 0, -scale, -box[0] * scale, box[3] * scale)
  context.lineWidth = style.width / scale
  for (let at = only ?? 0; at < (only === undefined ? shapes.count : only + 1); at += 1) {
    const own = boxOf(shapes, at)
    if (own[2] < box[0] || own[0] > box[2] || own[3] < box[1] || own[1] > box[3]) continue
    const size = Math.max(own[2] - own[0], own[3] - own[1]) * scale
    const kind = shapes.kinds[at]
    if (kind === KIND.circle) painter.circle(own)
    else if (kind !== KIND.point && size < DOT_PIXELS) painter.dot(own, scale)
    else drawShape(painter, shapes, at, scale)
  }
  painter.flush()
  context.setTransform(1, 0, 0, 1, 0, 0)
}

function drawShape(painter: Painter, shapes: Shapes, at: number, scale: number): void {
  const { positions, pathEnds, shapeEnds, kinds } = shapes
  const first = at === 0 ? 0 : (shapeEnds[at - 1] ?? 0)
  const last = shapeEnds[at] ?? 0
  const kind = kinds[at] ?? KIND.area
  // A shape with holes is filled by the even-odd rule, so it cannot share a path with other shapes.
  if (kind === KIND.area && last - first > 1) painter.flush()
  for (let path = first; path < last; path += 1) {
    const start = path === 0 ? 0 : (pathEnds[path - 1] ?? 0)
    const end = pathEnds[path] ?? 0
    if (kind === KIND.point) painter.point(positions[2 * start] ?? 0, positions[2 * start + 1] ?? 0, scale)
    else painter.path(positions, { start, end, near: NEAR_PIXELS / scale, isClosed: kind === KIND.area })
  }
  if (kind === KIND.area && last - first > 1) painter.flush('evenodd')
}

interface Stretch {
  readonly start: number
  readonly end: number
  /** Distance below which positions are skipped, in pixels of the image. */
  readonly near: number
  readonly isClosed: boolean
}

interface Painter {
  path(positions: Float32Array, stretch: Stretch): void
  circle(box: Box): void
  point(x: number, y: number, scale: number): void
  dot(box: Box, scale: number): void
  flush(rule?: CanvasFillRule): void
}

/** Collects paths and paints them together. */
function createPainter(context: CanvasRenderingContext2D, { stroke, fill }: ShapeStyle): Painter {
  let count = 0
  let hasAreas = false
  context.strokeStyle = stroke
  context.fillStyle = fill
  context.beginPath()
  const flush = (rule: CanvasFillRule = 'nonzero'): void => {
    if (count === 0) return
    if (hasAreas) context.fill(rule)
    context.stroke()
    context.beginPath()
    count = 0
    hasAreas = false
  }
  const added = (isArea: boolean): void => {
    count += 1
    hasAreas ||= isArea
    if (count >= BATCH) flush()
  }
  return {
    flush,
    path(positions, { start, end, near, isClosed }) {
      // Lines in one batch with areas would be filled.
      if (count > 0 && hasAreas !== isClosed) flush()
      let lastX = positions[2 * start] ?? 0
      let lastY = positions[2 * start + 1] ?? 0
      context.moveTo(lastX, lastY)
      for (let at = start + 1; at < end; at += 1) {
        const x = positions[2 * at] ?? 0
        const y = positions[2 * at + 1] ?? 0
        if (at + 1 < end && Math.abs(x - lastX) < near && Math.abs(y - lastY) < near) continue
        context.lineTo(x, y)
        lastX = x
        lastY = y
      }
      if (isClosed) context.closePath()
      added(isClosed)
    },
    circle([left, bottom, right, top]) {
      if (count > 0 && !hasAreas) flush()
      context.moveTo(right, (bottom + top) / 2)
      context.arc((left + right) / 2, (bottom + top) / 2, (right - left) / 2, 0, 2 * Math.PI)
      added(true)
    },
    point(x, y, scale) {
      if (count > 0 && !hasAreas) flush()
      context.moveTo(x + POINT_RADIUS / scale, y)
      context.arc(x, y, POINT_RADIUS / scale, 0, 2 * Math.PI)
      added(true)
    },
    dot([left, bottom, right, top], scale) {
      const size = Math.max(1, (right - left) * scale, (top - bottom) * scale) / scale
      context.fillStyle = stroke
      context.fillRect(left, bottom, size, size)
      context.fillStyle = fill
    },
  }
}
