import Orientation from 'jsts/org/locationtech/jts/algorithm/Orientation.js'
import Coordinate from 'jsts/org/locationtech/jts/geom/Coordinate.js'
import type { Contact, Corners } from './ring-contacts.ts'

/** Edges that are looked at most, a second's work; only shapes made to be slow need more. */
const MAX_LOOKS = 100_000_000

interface Edge {
  readonly ring: number
  readonly left: Coordinate
  readonly right: Coordinate
}

/**
 * Rings around each ring, of rings that do not cross.
 * @returns undefined when that takes too long
 */
export function findRingsAround(
  rings: readonly Corners[],
  contacts: readonly Contact[],
): readonly ReadonlySet<number>[] | undefined {
  const around = lookDown(isWide(rings) ? rings.map(transposed) : rings)
  if (around !== undefined) correctTouching(around, contacts)
  return around
}

/** Whether a vertical line meets more edges than a horizontal one, on average. */
function isWide(rings: readonly Corners[]): boolean {
  const [acrossX, acrossY] = [averageEdges(rings, 'x'), averageEdges(rings, 'y')]
  return acrossX > acrossY
}

function averageEdges(rings: readonly Corners[], axis: 'x' | 'y'): number {
  let [lowest, highest, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]
  for (const corners of rings) {
    for (const [index, corner] of corners.entries()) {
      const value = corner[axis]
      lowest = Math.min(lowest, value)
      highest = Math.max(highest, value)
      sum += Math.abs(value - (corners[index - 1]?.[axis] ?? value))
    }
  }
  return sum / (highest - lowest)
}

function transposed(corners: Corners): Corners {
  return corners.map(({ x, y }) => new Coordinate(y, x))
}

/**
 * From a corner of each ring a line goes down, and what it passes an odd number of times is around it. One pass from left to
 * right serves all rings.
 */
function lookDown(rings: readonly Corners[]): readonly Set<number>[] | undefined {
  const around = rings.map(() => new Set<number>())
  const corners = rings.map((corner) => corner[0] ?? new Coordinate(0, 0))
  const edges = sortedEdges(rings)
  const present: Edge[] = []
  let next = 0
  let looks = 0
  const order = [...rings.keys()].sort((a, b) => (corners[a]?.x ?? 0) - (corners[b]?.x ?? 0))
  for (const ring of order) {
    const corner = corners[ring]
    const passed = around[ring]
    if (corner === undefined || passed === undefined) continue
    for (; (edges[next]?.left.x ?? Number.POSITIVE_INFINITY) <= corner.x; next += 1) {
      const edge = edges[next]
      if (edge !== undefined) present.push(edge)
    }
    looks += present.length
    if (looks > MAX_LOOKS) return undefined
    keepAndLook(present, corner, (edge) => {
      if (edge.ring !== ring && !passed.delete(edge.ring)) passed.add(edge.ring)
    })
  }
  return around
}

function sortedEdges(rings: readonly Corners[]): readonly Edge[] {
  const edges: Edge[] = []
  for (const [ring, corners] of rings.entries()) {
    for (let i = 1; i < corners.length; i += 1) {
      const [a, b] = [corners[i - 1], corners[i]]
      if (a === undefined || b === undefined || a.x === b.x) continue
      edges.push(a.x < b.x ? { ring, left: a, right: b } : { ring, left: b, right: a })
    }
  }
  return edges.sort((a, b) => a.left.x - b.left.x)
}

/** Drops the edges that end on the left of the corner, and calls for those below it. */
function keepAndLook(present: Edge[], corner: Coordinate, pass: (edge: Edge) => void): void {
  let kept = 0
  for (const edge of present) {
    // An end on the line itself belongs to the next edge, so that a ring is not passed twice in one corner.
    if (edge.right.x <= corner.x) continue
    present[kept] = edge
    kept += 1
    if (isBelow(edge, corner)) pass(edge)
  }
  present.length = kept
}

function isBelow({ left, right }: Edge, corner: Coordinate): boolean {
  if (left.y > corner.y && right.y > corner.y) return false
  if (left.y < corner.y && right.y < corner.y) return true
  return Orientation.index(left, right, corner) > 0
}

/** The corner may lie on a ring that touches; the contact knows better. */
function correctTouching(around: readonly Set<number>[], contacts: readonly Contact[]): void {
  for (const { rings, isInside } of contacts) {
    const [one, other] = rings
    const correct = (inner: number, outer: number, isAround: boolean): void => {
      if (isAround) around[inner]?.add(outer)
      else around[inner]?.delete(outer)
    }
    correct(one, other, isInside[0])
    correct(other, one, isInside[1])
  }
}
