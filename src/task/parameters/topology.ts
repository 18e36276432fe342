import { areValidAreas } from './areas.ts'
import type { Geometry, Ring } from './geojson.ts'

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
      return areValidAreas([geometry.coordinates])
    case 'MultiPolygon':
      return areValidAreas(geometry.coordinates)
  }
}

/** Lines may cross themselves; all that they need is a length. */
function hasTwoPlaces(line: Ring): boolean {
  const [first] = line
  return line.some((position) => position[0] !== first?.[0] || position[1] !== first?.[1])
}
