import type { Position, Ring } from './geojson.ts'

/** Range of coordinates, besides 0, in which exact orientation tests neither overflow nor underflow. */
const [SMALLEST, LARGEST] = [2 ** -480, 2 ** 500]
/** Scales the largest double to `LARGEST`. A power of two, so scaling does not round. */
const SCALE_OF_HUGE = 2 ** -524

/** Corners of a non-degenerate ring, without the repeated last one. */
const MIN_CORNERS = 3

/**
 * Vertices of all rings in sequence, without repeated and closing vertices. An edge has the number of its first vertex.
 */
export interface AreaVertices {
  readonly x: Float64Array
  readonly y: Float64Array
  /** Ring of each vertex. */
  readonly ring: Int32Array
  /** First vertex of each ring, and the number of vertices as an additional last element. */
  readonly starts: Int32Array
  /** Polygon of each ring. */
  readonly polygon: Int32Array
  /** Ring that is the shell of each ring's polygon. */
  readonly shell: Int32Array
}

/**
 * Copies polygons into flat arrays of 20 bytes a vertex. Coordinates below 2⁻⁴⁸⁰ become 0, because their products
 * underflow.
 * @param polygons each a shell and its holes; rings are closed
 * @returns undefined when a ring has too few corners
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
