import ArrayList from 'jsts/java/util/ArrayList.js'
import Orientation from 'jsts/org/locationtech/jts/algorithm/Orientation.js'
import RobustLineIntersector from 'jsts/org/locationtech/jts/algorithm/RobustLineIntersector.js'
import Coordinate from 'jsts/org/locationtech/jts/geom/Coordinate.js'
import BasicSegmentString from 'jsts/org/locationtech/jts/noding/BasicSegmentString.js'
import MCIndexNoder from 'jsts/org/locationtech/jts/noding/MCIndexNoder.js'
import type { Ring } from './geojson.ts'

/** Pairs of edges that are compared at most, some seconds' work; only shapes made to be slow need more. */
const MAX_COMPARISONS = 20_000_000

/** Parts of 16 MB of GeoJSON that all touch four others in a corner have half of these. */
const MAX_CONTACTS = 1_000_000

/** A closed ring without repeated positions: the last corner is the first one. */
export type Corners = readonly Coordinate[]

/** Two rings have a point in common, and do not cross there. */
export interface Contact {
  readonly point: Coordinate
  /** Indexes of the rings. */
  readonly rings: readonly [number, number]
  /** Whether the one ring lies inside the other: the first in the second, the second in the first. */
  readonly isInside: readonly [boolean, boolean]
}

/** Products of differences of larger numbers overflow, and those of smaller ones vanish: the latter are as good as 0. */
const [SMALLEST, LARGEST] = [1e-100, 1e100]

/** A ring's corners; undefined when they are too few for an area, or too far away. */
export function cornersOf(ring: Ring): Corners | undefined {
  const corners: Coordinate[] = []
  for (const position of ring) {
    const [x, y] = [ordinary(position[0]), ordinary(position[1])]
    if (x === undefined || y === undefined) return undefined
    const last = corners.at(-1)
    if (last?.x !== x || last.y !== y) corners.push(new Coordinate(x, y))
  }
  return corners.length < 4 ? undefined : corners
}

function ordinary(number: number): number | undefined {
  const size = Math.abs(number)
  if (size > LARGEST) return undefined
  return size < SMALLEST ? 0 : number
}

/**
 * Where rings touch each other.
 * @returns undefined when a ring meets itself, when two rings cross or share a part of an edge, or when that takes too long to
 * tell: no valid area has such rings
 */
export function findContacts(rings: readonly Corners[]): readonly Contact[] | undefined {
  const intersector = new RobustLineIntersector()
  const contacts: Contact[] = []
  let comparisons = 0
  let isWrong = false

  /** Whether the two edges may belong to valid areas. */
  function compare(first: number, i: number, second: number, j: number): boolean {
    const [one, other] = [rings[first], rings[second]]
    const [a, b, c, d] = [one?.[i], one?.[i + 1], other?.[j], other?.[j + 1]]
    if (one === undefined || other === undefined) return false
    if (a === undefined || b === undefined || c === undefined || d === undefined) return false
    if (first === second) {
      const edges = one.length - 1
      if (j === (i + 1) % edges) return !isFoldedBack(a, b, d)
      if (i === (j + 1) % edges) return !isFoldedBack(c, d, b)
    }
    intersector.computeIntersection(a, b, c, d)
    if (!intersector.hasIntersection()) return true
    if (first === second || intersector.isProper() || intersector.getIntersectionNum() > 1) return false
    const point = intersector.getIntersection(0)
    // A corner is on two edges: it is looked at once, with the edge that begins there.
    if (isSame(point, b) || isSame(point, d)) return true
    const contact = contactOf([first, second], [one, other], [i, j], point)
    if (contact !== undefined) contacts.push(contact)
    return contact !== undefined && contacts.length <= MAX_CONTACTS
  }

  const noder = new MCIndexNoder({
    isDone: () => isWrong,
    processIntersections(one: BasicSegmentString, i: number, other: BasicSegmentString, j: number): void {
      comparisons += 1
      isWrong ||= comparisons > MAX_COMPARISONS || !compare(one.getData(), i, other.getData(), j)
    },
  })
  const edges = new ArrayList<BasicSegmentString>()
  for (const [index, corners] of rings.entries()) edges.add(new BasicSegmentString(corners, index))
  noder.computeNodes(edges)
  return isWrong ? undefined : contacts
}

/** The edge from the middle goes back over the one to it. */
function isFoldedBack(from: Coordinate, middle: Coordinate, to: Coordinate): boolean {
  if (Orientation.index(from, middle, to) !== 0) return false
  const goesOn = (a: number, b: number, c: number) => (a <= b && b <= c) || (a >= b && b >= c)
  return !goesOn(from.x, middle.x, to.x) || !goesOn(from.y, middle.y, to.y)
}

/** Undefined when the rings cross in the point. */
function contactOf(
  rings: readonly [number, number],
  [one, other]: readonly [Corners, Corners],
  edges: readonly [number, number],
  point: Coordinate,
): Contact | undefined {
  const [ways, otherWays] = [waysFrom(one, edges[0], point), waysFrom(other, edges[1], point)]
  const isInOther = ways.map((way) => isInterior(otherWays, point, way, Orientation.isCCW(other)))
  const isInOne = otherWays.map((way) => isInterior(ways, point, way, Orientation.isCCW(one)))
  if (isInOther[0] !== isInOther[1] || isInOne[0] !== isInOne[1]) return undefined
  return { point, rings, isInside: [isInOther[0] === true, isInOne[0] === true] }
}

/** Where the ring comes from and where it goes to at a point on one of its edges, or where that begins. */
function waysFrom(ring: Corners, edge: number, point: Coordinate): readonly [Coordinate, Coordinate] {
  const edges = ring.length - 1
  const at = (index: number): Coordinate => ring[(index + edges) % edges] ?? point
  return [isSame(at(edge), point) ? at(edge - 1) : at(edge), at(edge + 1)]
}

/** Whether something that leaves the point towards `to` goes into the ring that comes and goes the two ways. */
function isInterior(
  [from, onwards]: readonly [Coordinate, Coordinate],
  point: Coordinate,
  to: Coordinate,
  isCounterClockwise: boolean,
): boolean {
  // The interior is on the left of a ring that turns to the left.
  return isBetween(point, onwards, to, from) === isCounterClockwise
}

/** Whether, turning to the left around the point, one meets `between` on the way from `start` to `end`. */
function isBetween(point: Coordinate, start: Coordinate, between: Coordinate, end: Coordinate): boolean {
  const isLeftOfStart = Orientation.index(point, start, between) > 0
  const isRightOfEnd = Orientation.index(point, end, between) < 0
  const turn = Orientation.index(point, start, end)
  if (turn === 0) return isLeftOfStart
  return turn > 0 ? isLeftOfStart && isRightOfEnd : isLeftOfStart || isRightOfEnd
}

function isSame(a: Coordinate, b: Coordinate): boolean {
  return a.x === b.x && a.y === b.y
}
