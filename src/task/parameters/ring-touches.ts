import { at } from './sweep-line.ts'
import type { Effort } from './sweep-order.ts'

/** No point, or no ring. */
const NONE = -1

/**
 * Tracks where rings touch. The rings of one polygon and their touching points must form trees: a cycle would cut a
 * piece off the polygon's interior. Takes O(log n) for each ring at a point.
 */
export class RingTouches {
  readonly #polygon: Int32Array
  readonly #effort: Effort
  /** Union-find over the rings: the parent of each ring. */
  readonly #parent: Int32Array
  /** Number of the last point at which each ring was seen. */
  readonly #ringSeen: Int32Array
  /** Number of the last point at which each polygon was seen, and its first ring there. */
  readonly #polygonSeen: Int32Array
  readonly #firstRing: Int32Array
  #place = 0

  /** @param polygon of each ring */
  constructor(polygon: Int32Array, effort: Effort) {
    this.#polygon = polygon
    this.#effort = effort
    this.#parent = Int32Array.from(polygon.keys())
    this.#ringSeen = new Int32Array(polygon.length).fill(NONE)
    this.#polygonSeen = new Int32Array(polygon.length).fill(NONE)
    this.#firstRing = new Int32Array(polygon.length)
  }

  startPoint(): void {
    this.#place += 1
  }

  /** Adds a ring to the point. False when it is there already, or closes a cycle. */
  add(ring: number): boolean {
    this.#effort.operations += 1
    if (this.#ringSeen[ring] === this.#place) return false
    this.#ringSeen[ring] = this.#place
    const polygon = at(this.#polygon, ring)
    if (this.#polygonSeen[polygon] === this.#place) return this.#join(ring, at(this.#firstRing, polygon))
    this.#polygonSeen[polygon] = this.#place
    this.#firstRing[polygon] = ring
    return true
  }

  /**
   * Whether rings touch at a point without crossing there.
   * @param ways rings of the edges around the point, in their order; each ring twice
   */
  areApart(ways: readonly number[]): boolean {
    const open: number[] = []
    for (const ring of ways) {
      if (open.at(-1) === ring) open.pop()
      else open.push(ring)
    }
    return open.length === 0
  }

  #join(ring: number, other: number): boolean {
    const [one, two] = [this.#rootOf(ring), this.#rootOf(other)]
    this.#parent[one] = two
    return one !== two
  }

  #rootOf(ring: number): number {
    let node = ring
    for (let parent = at(this.#parent, node); parent !== node; parent = at(this.#parent, node)) {
      this.#effort.operations += 1
      // Path halving.
      this.#parent[node] = at(this.#parent, parent)
      node = at(this.#parent, node)
    }
    return node
  }
}
