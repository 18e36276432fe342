import { AreaSweep } from './area-sweep.ts'
import { type AreaVertices, areaVerticesOf } from './area-vertices.ts'
import type { Ring } from './geojson.ts'
import { at, NONE } from './sweep-line.ts'
import type { Effort } from './sweep-order.ts'

/**
 * Whether polygons are areas in the sense of OGC Simple Features, as JTS decides: rings are simple, neither cross nor share
 * edges, holes lie in their shell and not in each other, the inside of each polygon is one piece, and no polygon covers a part of
 * another. Takes O(n log n) and about 110 bytes a position, whatever the shape (ADR 10).
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
 * A hole lies directly in its shell, a shell directly in nothing or in a hole. Nothing else needs to be looked at: from any ring
 * outwards, shells and holes then take turns, so each polygon around it has a hole around it, too.
 */
function areNestedRightly({ shell }: AreaVertices, around: Int32Array): boolean {
  return around.every((outer, ring) => {
    const ownShell = at(shell, ring)
    if (ring !== ownShell) return outer === ownShell
    return outer === NONE || outer !== at(shell, outer)
  })
}
