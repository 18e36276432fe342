import { areValidAreas } from './areas.ts'
import type { Geometry, Ring } from './geojson.ts'
import { isCertainlySimple } from './simple-ring.ts'

/** Whether a geometry is valid in the sense of OGC Simple Features, as the JTS of the reference sees it. */
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
      return areAreasValid([geometry.coordinates])
    case 'MultiPolygon':
      return areAreasValid(geometry.coordinates)
  }
}

/** Lines may cross themselves; all that they need is a length. */
function hasTwoPlaces(line: Ring): boolean {
  const [first] = line
  return line.some((position) => position[0] !== first?.[0] || position[1] !== first?.[1])
}

function areAreasValid(polygons: readonly (readonly Ring[])[]): boolean {
  const [shell, ...others] = polygons.flat()
  if (shell === undefined) return true
  // Most areas are one small ring: an array of 100 000 of them is checked in a second.
  return (others.length === 0 && isCertainlySimple(shell)) || areValidAreas(polygons)
}
