import { AreaSweep } from './area-sweep.ts'
import { type AreaVertices, areaVerticesOf } from './area-vertices.ts'
import type { Ring } from './geojson.ts'
import { at, NONE } from './sweep-line.ts'
import type { Effort } from './sweep-order.ts'

/**
 * Validates polygons by OGC Simple Features, as JTS does: rings are simple and neither cross nor share edges, holes are
 * inside their shell and not in each other, the interior of each polygon is connected, and polygons do not overlap.
 * Takes O(n log n) time and about 110 bytes a position for any shape (ADR 10).
 * @param polygons each a shell and its holes
 * @param effort counts operations
 */
export function areValidAreas(
  polygons: readonly (readonly Ring[])[],
  effort: Effort = { operations: 0 },
): boolean {
  const vertices = areaVerticesOf(polygons)
  if (vertices === undefined) return false
  const around = new AreaSweep(vertices, effort).run()
  return around !== undefined && areNestedRightly(vertices, around)
}

/**
 * A hole must be directly inside its shell, a shell directly inside a hole or outermost. This suffices: from any ring
 * outwards shells and holes then alternate.
 */
function areNestedRightly({ shell }: AreaVertices, around: Int32Array): boolean {
  return around.every((outer, ring) => {
    const ownShell = at(shell, ring)
    if (ring !== ownShell) return outer === ownShell
    return outer === NONE || outer !== at(shell, outer)
  })
}
