import type { Ring } from './geojson.ts'
import { type Contact, type Corners, cornersOf, findContacts } from './ring-contacts.ts'
import { findRingsAround } from './ring-nesting.ts'

/** Rings of all polygons in one list, with the polygon that each belongs to. */
interface RingSet {
  readonly rings: readonly Corners[]
  /** By ring. */
  readonly polygons: readonly number[]
  /** By ring: the first of its polygon's rings. */
  readonly shells: readonly number[]
}

/**
 * Whether polygons are areas in the sense of OGC Simple Features: rings are simple, neither cross nor share edges, holes lie in
 * their shell and not in each other, the inside of each polygon is one piece, and no polygon covers a part of another. Takes
 * O(n log n) for shapes as they are drawn or found in images.
 * @param polygons each a shell and its holes
 */
export function areValidAreas(polygons: readonly (readonly Ring[])[]): boolean {
  const set = ringSetOf(polygons)
  const contacts = set === undefined ? undefined : findContacts(set.rings)
  if (set === undefined || contacts === undefined) return false
  if (set.rings.length === 1) return true
  return areOnePiece(set, contacts) && areNestedRightly(set, contacts)
}

function ringSetOf(polygons: readonly (readonly Ring[])[]): RingSet | undefined {
  const set = { rings: [] as Corners[], polygons: [] as number[], shells: [] as number[] }
  for (const [polygon, rings] of polygons.entries()) {
    const shell = set.rings.length
    for (const ring of rings) {
      const corners = cornersOf(ring)
      if (corners === undefined) return undefined
      set.rings.push(corners)
      set.polygons.push(polygon)
      set.shells.push(shell)
    }
  }
  return set
}

/**
 * Rings of a polygon that touch in a circle cut a piece off its inside: rings and the points where they touch may only form
 * trees.
 */
function areOnePiece({ polygons }: RingSet, contacts: readonly Contact[]): boolean {
  const parents = new Map<string, string>()
  const rootOf = (node: string): string => {
    let root = node
    for (let parent = parents.get(root); parent !== undefined; parent = parents.get(root)) root = parent
    // Shortens the way for those who come later.
    for (let at = node; at !== root; ) {
      const parent = parents.get(at) ?? root
      parents.set(at, root)
      at = parent
    }
    return root
  }
  const joined = new Set<string>()
  for (const { point, rings } of contacts) {
    const polygon = polygons[rings[0]]
    if (polygon !== polygons[rings[1]]) continue
    const place = `${polygon} at ${point.x} ${point.y}`
    for (const ring of rings) {
      const joint = `${ring} ${place}`
      if (joined.has(joint)) continue
      joined.add(joint)
      const [one, other] = [rootOf(`ring ${ring}`), rootOf(place)]
      if (one === other) return false
      parents.set(one, other)
    }
  }
  return true
}

/** Holes in their own shell and in no other hole of it; a shell in another polygon only where that has a hole. */
function areNestedRightly(set: RingSet, contacts: readonly Contact[]): boolean {
  const around = findRingsAround(set.rings, contacts)
  return around?.every((outer, ring) => isNestedRightly(set, ring, outer)) ?? false
}

function isNestedRightly({ polygons, shells }: RingSet, ring: number, outer: ReadonlySet<number>): boolean {
  const shell = shells[ring]
  if (ring !== shell) {
    const isInOwnHole = [...outer].some((one) => one !== shell && shells[one] === shell)
    return shell !== undefined && outer.has(shell) && !isInOwnHole
  }
  const holed = new Set([...outer].filter((one) => shells[one] !== one).map((hole) => polygons[hole]))
  return [...outer].every((one) => shells[one] !== one || holed.has(polygons[one]))
}
