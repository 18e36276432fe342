import ArrayList from 'jsts/java/util/ArrayList.js'
import RobustLineIntersector from 'jsts/org/locationtech/jts/algorithm/RobustLineIntersector.js'
import Coordinate from 'jsts/org/locationtech/jts/geom/Coordinate.js'
import GeoJSONReader from 'jsts/org/locationtech/jts/io/GeoJSONReader.js'
import BasicSegmentString from 'jsts/org/locationtech/jts/noding/BasicSegmentString.js'
import MCIndexNoder from 'jsts/org/locationtech/jts/noding/MCIndexNoder.js'
import IsValidOp from 'jsts/org/locationtech/jts/operation/valid/IsValidOp.js'
import type { Geometry, Ring } from './geojson.ts'
import { isCertainlySimple } from './simple-ring.ts'

/** Up to here all rules are checked: the check of jsts is quadratic and takes some seconds for this many. */
const MAX_POSITIONS_OF_FULL_CHECK = 5000

/** Pairs of segments that are compared at most, some seconds' work; only shapes made to be slow need more. */
const MAX_COMPARISONS = 20_000_000

/**
 * Whether a geometry is valid in the sense of OGC Simple Features, as the JTS of the reference sees it.
 * Beyond 5000 positions only crossing edges are looked for, through an index: holes outside their shell and overlapping
 * parts without crossing edges then pass. Readers take such shapes; an answer after minutes would help nobody.
 */
export function isTopologicallyValid(geometry: Geometry): boolean {
  switch (geometry.type) {
    case 'Point':
    case 'MultiPoint':
      return true
    case 'LineString':
      return geometry.coordinates.length === 0 || hasTwoPlaces(geometry.coordinates)
    case 'MultiLineString':
      return geometry.coordinates.every(hasTwoPlaces)
    case 'Polygon':
      return areAreasValid(geometry, geometry.coordinates)
    case 'MultiPolygon':
      return areAreasValid(geometry, geometry.coordinates.flat())
  }
}

/** Lines may cross themselves; all that they need is a length. */
function hasTwoPlaces(line: Ring): boolean {
  const [first] = line
  return line.some((position) => position[0] !== first?.[0] || position[1] !== first?.[1])
}

function areAreasValid(geometry: Geometry, rings: readonly Ring[]): boolean {
  const [shell, ...others] = rings
  if (shell === undefined) return true
  // Most areas are one small ring: an array of 100 000 of them is checked in a second instead of ten.
  if (others.length === 0 && isCertainlySimple(shell)) return true
  if (haveCrossingEdges(rings)) return false
  const positions = rings.reduce((sum, ring) => sum + ring.length, 0)
  return (
    positions > MAX_POSITIONS_OF_FULL_CHECK || new IsValidOp(new GeoJSONReader().read(geometry)).isValid()
  )
}

/** Whether two edges cross in their interiors, which no valid polygon has; also when that takes too long to tell. */
function haveCrossingEdges(rings: readonly Ring[]): boolean {
  const intersector = new RobustLineIntersector()
  let comparisons = 0
  let isCrossing = false
  const edges = new ArrayList<BasicSegmentString>()
  for (const ring of rings) {
    edges.add(
      new BasicSegmentString(
        ring.map(([x, y]) => new Coordinate(x, y)),
        null,
      ),
    )
  }
  const noder = new MCIndexNoder({
    isDone: () => isCrossing || comparisons > MAX_COMPARISONS,
    processIntersections(a: BasicSegmentString, i: number, b: BasicSegmentString, j: number): void {
      comparisons += 1
      if (isCrossing || comparisons > MAX_COMPARISONS) return
      intersector.computeIntersection(
        a.getCoordinate(i),
        a.getCoordinate(i + 1),
        b.getCoordinate(j),
        b.getCoordinate(j + 1),
      )
      isCrossing = intersector.hasIntersection() && intersector.isProper()
    },
  })
  noder.computeNodes(edges)
  return isCrossing || comparisons > MAX_COMPARISONS
}
