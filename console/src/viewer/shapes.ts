/*
 * Geometries in flat arrays, so that 100 000 polygons are transferred from the worker to the page without a copy, and drawn without
 * an object for each.
 */

/** Kinds of shapes, as numbers of an array. */
export const KIND = { point: 0, line: 1, area: 2, circle: 3 } as const
export const KIND_NAMES = ['point', 'line', 'area', 'circle'] as const

/** Geometries of one parameter, in pixels from the lower left corner of the image. */
export interface Shapes {
  readonly count: number
  readonly kinds: Uint8Array<ArrayBuffer>
  /** x and y of each position. */
  readonly positions: Float32Array<ArrayBuffer>
  /** End of each path (ring, line, or single point): index in the positions. */
  readonly pathEnds: Uint32Array<ArrayBuffer>
  /** End of each shape: index in the paths. */
  readonly shapeEnds: Uint32Array<ArrayBuffer>
  /** Left, bottom, right and top of each shape. */
  readonly boxes: Float32Array<ArrayBuffer>
  /** Square pixels; 0 for points and lines. */
  readonly areas: Float32Array<ArrayBuffer>
  /** Index path of each item, `3/0`; empty for a geometry that is not an item. */
  readonly labels: readonly string[]
}

/** A geometry with its position in an array. */
export interface LabelledGeometry {
  readonly label: string
  /** GeoJSON as text: a geometry or a feature. */
  readonly text: string
}

type Position = readonly number[]

interface Outline {
  readonly kind: number
  readonly paths: readonly (readonly Position[])[]
  readonly radius: number
}

/** Growing typed array; a plain array would take ten times as long to copy. */
class Numbers {
  #kept = new Float32Array(1024)
  length = 0

  add(one: number, other: number): void {
    if (this.length + 2 > this.#kept.length) {
      const larger = new Float32Array(2 * this.#kept.length)
      larger.set(this.#kept)
      this.#kept = larger
    }
    this.#kept[this.length] = one
    this.#kept[this.length + 1] = other
    this.length += 2
  }

  all(): Float32Array<ArrayBuffer> {
    return this.#kept.slice(0, this.length)
  }
}

/** Converts GeoJSON that the service has validated. Anything else is skipped. */
export function shapesOf(geometries: Iterable<LabelledGeometry>): Shapes {
  const positions = new Numbers()
  const boxes = new Numbers()
  const pathEnds: number[] = []
  const shapeEnds: number[] = []
  const kinds: number[] = []
  const areas: number[] = []
  const labels: string[] = []
  for (const { label, text } of geometries) {
    const outline = outlineOf(text)
    if (outline === undefined) continue
    const { kind, paths, radius } = outline
    let left = Number.POSITIVE_INFINITY
    let bottom = Number.POSITIVE_INFINITY
    let right = Number.NEGATIVE_INFINITY
    let top = Number.NEGATIVE_INFINITY
    for (const path of paths) {
      for (const position of path) {
        const x = position[0] ?? 0
        const y = position[1] ?? 0
        positions.add(x, y)
        if (x < left) left = x
        if (x > right) right = x
        if (y < bottom) bottom = y
        if (y > top) top = y
      }
      pathEnds.push(positions.length / 2)
    }
    boxes.add(left - radius, bottom - radius)
    boxes.add(right + radius, top + radius)
    shapeEnds.push(pathEnds.length)
    kinds.push(kind)
    areas.push(areaOf(outline))
    labels.push(label)
  }
  return {
    count: kinds.length,
    kinds: new Uint8Array(kinds),
    positions: positions.all(),
    pathEnds: new Uint32Array(pathEnds),
    shapeEnds: new Uint32Array(shapeEnds),
    boxes: boxes.all(),
    areas: new Float32Array(areas),
    labels,
  }
}

interface GeoJson {
  readonly type?: string
  readonly coordinates?: unknown
  readonly geometry?: GeoJson | null
  readonly properties?: { readonly subType?: unknown; readonly radius?: unknown } | null
}

function outlineOf(text: string): Outline | undefined {
  let value: GeoJson | null
  try {
    value = JSON.parse(text) as GeoJson | null
  } catch {
    return undefined
  }
  const geometry = value?.type === 'Feature' ? value.geometry : value
  const radius = value?.properties?.subType === 'Circle' ? Number(value.properties.radius) : 0
  const paths = pathsOf(geometry ?? {})
  if (paths === undefined || paths.length === 0 || paths.some((path) => path.length === 0)) return undefined
  if (geometry?.type === 'Point' && radius > 0) return { kind: KIND.circle, paths, radius }
  const kind = geometry?.type?.includes('Point')
    ? KIND.point
    : geometry?.type?.includes('Line')
      ? KIND.line
      : KIND.area
  return { kind, paths, radius: 0 }
}

function pathsOf({ type, coordinates }: GeoJson): readonly (readonly Position[])[] | undefined {
  if (!Array.isArray(coordinates)) return undefined
  switch (type) {
    case 'Point':
      return coordinates.length === 0 ? [] : [[coordinates as Position]]
    case 'MultiPoint':
      return (coordinates as Position[]).map((position) => [position])
    case 'LineString':
      return [coordinates as Position[]]
    case 'MultiLineString':
    case 'Polygon':
      return coordinates as Position[][]
    case 'MultiPolygon':
      return (coordinates as Position[][][]).flat()
    default:
      return undefined
  }
}

/** Area of the rings that have the orientation of the first one, a shell, less the area of the others, which are holes. */
function areaOf({ kind, paths, radius }: Outline): number {
  if (kind === KIND.circle) return Math.PI * radius * radius
  if (kind !== KIND.area) return 0
  return paths
    .map(signedArea)
    .reduce((sum, area, at) => (at === 0 ? Math.abs(area) : sum + Math.abs(area) * sameTurn(area, paths)), 0)
}

/** 1 for a ring with the orientation of the first one, -1 for a hole. */
function sameTurn(area: number, [first = []]: readonly (readonly Position[])[]): number {
  return Math.sign(area) === Math.sign(signedArea(first)) ? 1 : -1
}

function signedArea(ring: readonly Position[]): number {
  let sum = 0
  for (let at = 0; at + 1 < ring.length; at += 1) {
    const one = ring[at]
    const other = ring[at + 1]
    sum += (one?.[0] ?? 0) * (other?.[1] ?? 0) - (other?.[0] ?? 0) * (one?.[1] ?? 0)
  }
  return sum / 2
}

/** Buffers that can be transferred to another thread. */
export function buffersOf(shapes: Shapes): ArrayBuffer[] {
  return [shapes.kinds, shapes.positions, shapes.pathEnds, shapes.shapeEnds, shapes.boxes, shapes.areas].map(
    ({ buffer }) => buffer,
  )
}

/** The shape at a position, the smallest if several overlap; `tolerance` in pixels of the image. */
export function shapeAt(shapes: Shapes, x: number, y: number, tolerance: number): number | undefined {
  let found: number | undefined
  for (let at = 0; at < shapes.count; at += 1) {
    const [left, bottom, right, top] = boxOf(shapes, at)
    if (x < left - tolerance || x > right + tolerance || y < bottom - tolerance || y > top + tolerance)
      continue
    const isSmaller = found === undefined || (shapes.areas[at] ?? 0) < (shapes.areas[found] ?? 0)
    const isHit = shapes.kinds[at] !== KIND.area || right - left < tolerance || isInside(shapes, at, x, y)
    if (isSmaller && isHit) found = at
  }
  return found
}

export type Box = readonly [left: number, bottom: number, right: number, top: number]

export function boxOf({ boxes }: Shapes, at: number): Box {
  return [boxes[4 * at] ?? 0, boxes[4 * at + 1] ?? 0, boxes[4 * at + 2] ?? 0, boxes[4 * at + 3] ?? 0]
}

/** Even-odd rule over all rings, so that holes are outside. */
function isInside({ positions, pathEnds, shapeEnds }: Shapes, at: number, x: number, y: number): boolean {
  let isIn = false
  const firstPath = at === 0 ? 0 : (shapeEnds[at - 1] ?? 0)
  for (let path = firstPath; path < (shapeEnds[at] ?? 0); path += 1) {
    const start = path === 0 ? 0 : (pathEnds[path - 1] ?? 0)
    const end = pathEnds[path] ?? 0
    for (let one = start, other = end - 1; one < end; other = one, one += 1) {
      const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = [
        positions[2 * one],
        positions[2 * one + 1],
        positions[2 * other],
        positions[2 * other + 1],
      ]
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) isIn = !isIn
    }
  }
  return isIn
}
