import type { Effort } from './sweep-order.ts'

/** No node, or no edge. */
export const NONE = -1

/**
 * Edges on the sweep line, from bottom to top, in a treap. Random priorities balance it, so every operation takes O(log
 * n) for any order of edges. It takes 32 bytes for each edge of the geometry.
 */
export class SweepLine {
  /** Edge in each node. */
  readonly edge: Int32Array
  /** Next node below, and above. */
  readonly below: Int32Array
  readonly above: Int32Array
  readonly #left: Int32Array
  readonly #right: Int32Array
  readonly #parent: Int32Array
  readonly #priority: Float64Array
  readonly #effort: Effort
  #root = NONE
  #bottom = NONE
  #nodeCount = 0
  #freeNode = NONE

  /** @param capacity maximum number of edges on the line at one point */
  constructor(capacity: number, effort: Effort) {
    this.edge = new Int32Array(capacity)
    this.below = new Int32Array(capacity)
    this.above = new Int32Array(capacity)
    this.#left = new Int32Array(capacity)
    this.#right = new Int32Array(capacity)
    this.#parent = new Int32Array(capacity)
    this.#priority = new Float64Array(capacity)
    this.#effort = effort
  }

  /** Highest node whose edge passes below a point, or through it. */
  highestNotAbove(isAbove: (edge: number) => boolean): number {
    let [node, found] = [this.#root, NONE]
    while (node !== NONE) {
      this.#effort.operations += 1
      if (isAbove(at(this.edge, node))) {
        node = at(this.#left, node)
      } else {
        found = node
        node = at(this.#right, node)
      }
    }
    return found
  }

  /** Inserts an edge directly above a node, or at the bottom when that is `NONE`; returns its node. */
  insertAbove(lower: number, edge: number): number {
    const node = this.#newNode(edge)
    const upper = lower === NONE ? this.#bottom : at(this.above, lower)
    this.#chain(lower, node)
    this.#chain(node, upper)
    if (lower !== NONE && at(this.#right, lower) === NONE) this.#attach(node, lower, this.#right)
    else if (upper !== NONE) this.#attach(node, upper, this.#left)
    else this.#root = node
    while (this.#isHeavier(node, at(this.#parent, node))) this.#rotateUp(node)
    return node
  }

  remove(node: number): void {
    for (;;) {
      const [left, right] = [at(this.#left, node), at(this.#right, node)]
      if (left === NONE && right === NONE) break
      this.#rotateUp(left !== NONE && (right === NONE || this.#isHeavier(left, right)) ? left : right)
    }
    this.#replaceChild(at(this.#parent, node), node, NONE)
    this.#chain(at(this.below, node), at(this.above, node))
    this.#parent[node] = this.#freeNode
    this.#freeNode = node
  }

  #newNode(edge: number): number {
    let node = this.#freeNode
    if (node === NONE) {
      node = this.#nodeCount
      this.#nodeCount += 1
    } else {
      this.#freeNode = at(this.#parent, node)
    }
    this.edge[node] = edge
    this.#left[node] = NONE
    this.#right[node] = NONE
    this.#parent[node] = NONE
    this.#priority[node] = Math.random()
    return node
  }

  #chain(lower: number, upper: number): void {
    if (lower === NONE) this.#bottom = upper
    else this.above[lower] = upper
    if (upper !== NONE) this.below[upper] = lower
  }

  #attach(node: number, parent: number, side: Int32Array): void {
    side[parent] = node
    this.#parent[node] = parent
  }

  #isHeavier(node: number, other: number): boolean {
    return other !== NONE && (this.#priority[node] ?? 0) > (this.#priority[other] ?? 0)
  }

  #rotateUp(node: number): void {
    this.#effort.operations += 1
    const parent = at(this.#parent, node)
    const [near, far] =
      at(this.#left, parent) === node ? [this.#left, this.#right] : [this.#right, this.#left]
    const inner = at(far, node)
    this.#replaceChild(at(this.#parent, parent), parent, node)
    near[parent] = inner
    if (inner !== NONE) this.#parent[inner] = parent
    this.#attach(parent, node, far)
  }

  #replaceChild(parent: number, child: number, by: number): void {
    if (parent === NONE) this.#root = by
    else if (at(this.#left, parent) === child) this.#left[parent] = by
    else this.#right[parent] = by
    if (by !== NONE) this.#parent[by] = parent
  }
}

/** Reads an element that is known to exist. */
export function at(values: Int32Array, index: number): number {
  return values[index] as number
}
