import type { Position, Ring } from './geojson.ts'

/** Exact orientation tests neither overflow nor lose digits when coordinates are 0 or within these bounds. */
const [SMALLEST, LARGEST] = [2 ** -480, 2 ** 500]
/** The largest double times this is `LARGEST`. Powers of two scale without rounding. */
const SCALE_OF_HUGE = 2 ** -524

/** Corners of a ring that is not degenerate; the repeated last one not counted. */
const MIN_CORNERS = 3

/**
 * The vertices of all rings, one after another: no vertex equals the next one of its ring, and the closing vertex is left out.
 * An edge has the number of the vertex that it starts from.
 */
export interface AreaVertices {
  readonly x: Float64Array
  readonly y: Float64Array
  /** Ring of each vertex. */
  readonly ring: Int32Array
  /** First vertex of each ring, and one entry more: the number of vertices. */
  readonly starts: Int32Array
  /** Polygon of each ring. */
  readonly polygon: Int32Array
  /** Shell of each ring's polygon, which is a ring too. */
  readonly shell: Int32Array
}

/**
 * Copies polygons into flat arrays: 20 bytes a vertex. Coordinates below 2⁻⁴⁸⁰ count as 0, because their products vanish.
 * @param polygons each a shell and its holes; rings are closed
 * @returns undefined when a ring has too few corners for an area
 */
export function areaVerticesOf(polygons: readonly (readonly Ring[])[]): AreaVertices | undefined {
  const [vertexCount, ringCount] = countOf(polygons)
  const [x, y] = [new Float64Array(vertexCount), new Float64Array(vertexCount)]
  const ring = new Int32Array(vertexCount)
  const starts = new Int32Array(ringCount + 1)
  const [polygon, shell] = [new Int32Array(ringCount), new Int32Array(ringCount)]
  const scale = isHuge(polygons) ? SCALE_OF_HUGE : 1
  let [vertices, rings] = [0, 0]
  for (const [index, ringsOfPolygon] of polygons.entries()) {
    const firstRing = rings
    for (const positions of ringsOfPolygon) {
      const start = vertices
      for (const position of positions) {
        const [px, py] = [ordinary(position[0] * scale), ordinary(position[1] * scale)]
        if (vertices > start && x[vertices - 1] === px && y[vertices - 1] === py) continue
        x[vertices] = px
        y[vertices] = py
        ring[vertices] = rings
        vertices += 1
      }
      // Drops the closing vertex.
      vertices -= 1
      if (vertices - start < MIN_CORNERS) return undefined
      polygon[rings] = index
      shell[rings] = firstRing
      rings += 1
      starts[rings] = vertices
    }
  }
  return { x: x.subarray(0, vertices), y: y.subarray(0, vertices), ring, starts, polygon, shell }
}

function countOf(polygons: readonly (readonly Ring[])[]): readonly [vertices: number, rings: number] {
  let [vertices, rings] = [0, 0]
  for (const polygon of polygons) {
    rings += polygon.length
    for (const ring of polygon) vertices += ring.length
  }
  return [vertices, rings]
}

function isHuge(polygons: readonly (readonly Ring[])[]): boolean {
  const isHugePosition = ([x, y]: Position): boolean => Math.abs(x) > LARGEST || Math.abs(y) > LARGEST
  return polygons.some((polygon) => polygon.some((ring) => ring.some(isHugePosition)))
}

function ordinary(coordinate: number): number {
  return Math.abs(coordinate) < SMALLEST ? 0 : coordinate
}
