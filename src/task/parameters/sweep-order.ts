/** Counts the basic operations of a check, so that a test can measure their growth. */
export interface Effort {
  operations: number
}

/** Vertices in the order of a sweep from left to right: by x, then by y. */
export interface SweepOrder {
  /** Vertices, sorted. */
  readonly vertices: Int32Array
  /** For each vertex: the index in `vertices` of the first vertex at the same point. */
  readonly rank: Int32Array
}

/** Merge sort: O(n log n) in the worst case, 12 bytes a vertex. */
export function sweepOrderOf(x: Float64Array, y: Float64Array, effort: Effort): SweepOrder {
  const count = x.length
  let vertices = new Int32Array(count)
  let merged = new Int32Array(count)
  for (let vertex = 0; vertex < count; vertex += 1) vertices[vertex] = vertex
  for (let width = 1; width < count; width *= 2) {
    for (let start = 0; start < count; start += 2 * width) {
      merge({ x, y, from: vertices, to: merged }, start, Math.min(start + width, count), width)
    }
    ;[vertices, merged] = [merged, vertices]
    effort.operations += count
  }
  return { vertices, rank: ranksOf(x, y, vertices, merged) }
}

interface Merge {
  readonly x: Float64Array
  readonly y: Float64Array
  readonly from: Int32Array
  readonly to: Int32Array
}

/** Merges the sorted runs from `start` and from `middle`. */
function merge({ x, y, from, to }: Merge, start: number, middle: number, width: number): void {
  const end = Math.min(middle + width, from.length)
  let [one, other] = [start, middle]
  for (let at = start; at < end; at += 1) {
    const isFirst = other >= end || (one < middle && isBefore(x, y, from[one] ?? 0, from[other] ?? 0))
    to[at] = (isFirst ? from[one] : from[other]) ?? 0
    if (isFirst) one += 1
    else other += 1
  }
}

/** Whether `a` is not after `b` in the order. */
function isBefore(x: Float64Array, y: Float64Array, a: number, b: number): boolean {
  const [ax, bx] = [x[a] ?? 0, x[b] ?? 0]
  return ax < bx || (ax === bx && (y[a] ?? 0) <= (y[b] ?? 0))
}

function ranksOf(x: Float64Array, y: Float64Array, vertices: Int32Array, rank: Int32Array): Int32Array {
  let [previous, first] = [-1, 0]
  for (const [index, vertex] of vertices.entries()) {
    if (x[vertex] !== x[previous] || y[vertex] !== y[previous]) first = index
    rank[vertex] = first
    previous = vertex
  }
  return rank
}
