import { areValidAreas } from './areas.ts'
import type { Geometry, Ring } from './geojson.ts'

/** Whether a geometry is valid by OGC Simple Features, as JTS in the reference decides. */
export function isTopologicallyValid(geometry: Geometry): boolean {
  switch (geometry.type) {
    case 'Point':
    case 'MultiPoint':
      return true
    case 'LineString':
      return geometry.coordinates.length === 0 || hasTwoPositions(geometry.coordinates)
    case 'MultiLineString':
      return geometry.coordinates.every(hasTwoPositions)
    case 'Polygon':
      return areValidAreas([geometry.coordinates])
    case 'MultiPolygon':
      return areValidAreas(geometry.coordinates)
  }
}

/** Lines may cross themselves, but must have a length. */
function hasTwoPositions(line: Ring): boolean {
  const [first] = line
  return line.some((position) => position[0] !== first?.[0] || position[1] !== first?.[1])
}
