import { orient2d } from 'robust-predicates'
import type { AreaVertices } from './area-vertices.ts'
import { RingTouches } from './ring-touches.ts'
import { at, NONE, SweepLine } from './sweep-line.ts'
import { type Effort, type SweepOrder, sweepOrderOf } from './sweep-order.ts'

/** Ring that the sweep has not reached yet. */
const UNSEEN = -2

/**
 * Sweep-line check of all rings, from left to right. It stops at each point with vertices and handles all vertices
 * there together. It ends at the first point where two rings cross or share part of an edge, where rings cut a piece
 * off an area, or where a ring touches itself.
 * Two edges are compared when they become neighbours on the line, which they must before they cross (Shamos and Hoey
 * 1976). At most one edge has a point in its interior: two would cross there. Touches are therefore at most as many as
 * vertices, and the whole takes O(n log n). Orientation tests are exact, and no coordinates are computed.
 */
export class AreaSweep {
  readonly #vertices: AreaVertices
  readonly #order: SweepOrder
  readonly #effort: Effort
  readonly #line: SweepLine
  /** Node of each edge on the line. */
  readonly #node: Int32Array
  readonly #touches: RingTouches
  /** Innermost ring around each ring; `NONE` for an outermost ring. */
  readonly #around: Int32Array
  /** Whether the ring is counterclockwise: its interior is on the left. */
  readonly #isCounterclockwise: Uint8Array
  /** Nodes of edges that end at the point, and edges that start there, from bottom to top. */
  readonly #arriving: number[] = []
  readonly #leaving: number[] = []
  /** The edge that has the point in its interior. */
  #passing = NONE
  /** The node below all edges that meet the point. */
  #under = NONE

  constructor(vertices: AreaVertices, effort: Effort) {
    const [vertexCount, ringCount] = [vertices.x.length, vertices.polygon.length]
    this.#vertices = vertices
    this.#effort = effort
    this.#order = sweepOrderOf(vertices.x, vertices.y, effort)
    this.#line = new SweepLine(vertexCount, effort)
    this.#node = new Int32Array(vertexCount)
    this.#touches = new RingTouches(vertices.polygon, effort)
    this.#around = new Int32Array(ringCount).fill(UNSEEN)
    this.#isCounterclockwise = new Uint8Array(ringCount)
  }

  /**
   * Computes the innermost ring around each ring, `NONE` for an outermost ring.
   * @returns undefined when the rings form no valid area
   */
  run(): Int32Array | undefined {
    const { vertices, rank } = this.#order
    for (let start = 0; start < vertices.length; ) {
      let end = start + 1
      while (end < vertices.length && rank[at(vertices, end)] === start) end += 1
      if (!this.#visit(start, end)) return undefined
      start = end
    }
    return this.#around
  }

  /** Moves the line over the point of the vertices from `start` to `end`. */
  #visit(start: number, end: number): boolean {
    const isInOrder = this.#gather(start, end)
    if (!isInOrder || !this.#sortLeaving(at(this.#order.vertices, start))) return false
    const isTouched = end - start > 1 || this.#passing !== NONE
    if (isTouched && !this.#areTouchesAllowed(start, end)) return false
    this.#replaceEdges()
    this.#enterRings()
    return !this.#isCrossingAhead()
  }

  /** Collects the edges that meet the point. False when two have it in their interior. */
  #gather(start: number, end: number): boolean {
    const { vertices } = this.#order
    this.#leaving.length = 0
    let node = NONE
    for (let index = start; index < end; index += 1) {
      const vertex = at(vertices, index)
      for (const edge of [vertex, this.#previous(vertex)]) {
        if (at(this.#order.rank, this.#last(edge)) === start) node = at(this.#node, edge)
        else this.#leaving.push(edge)
      }
    }
    return this.#gatherArriving(at(vertices, start), node)
  }

  /** Collects the edges on the line that meet a point; they are neighbours. False when two of them pass through it. */
  #gatherArriving(vertex: number, endingNode: number): boolean {
    const place = at(this.#order.rank, vertex)
    const meets = (node: number): boolean => {
      if (node === NONE) return false
      const edge = at(this.#line.edge, node)
      return at(this.#order.rank, this.#last(edge)) === place || this.#side(edge, vertex) === 0
    }
    let node = endingNode
    if (node === NONE) node = this.#line.highestNotAbove((edge) => this.#side(edge, vertex) < 0)
    else while (meets(at(this.#line.below, node))) node = at(this.#line.below, node)
    this.#arriving.length = 0
    this.#passing = NONE
    if (endingNode === NONE && !meets(node)) {
      this.#under = node
      return true
    }
    this.#under = at(this.#line.below, node)
    do {
      const edge = at(this.#line.edge, node)
      if (at(this.#order.rank, this.#last(edge)) !== place) {
        if (this.#passing !== NONE) return false
        this.#passing = edge
        this.#leaving.push(edge)
      }
      this.#arriving.push(node)
      node = at(this.#line.above, node)
    } while (meets(node))
    // With no edge ending here, a second edge through the point could only be below the one found.
    return endingNode !== NONE || !meets(this.#under)
  }

  /** False when two edges start in one direction: they share a part. */
  #sortLeaving(vertex: number): boolean {
    let isShared = false
    if (this.#leaving.length < 2) return true
    this.#leaving.sort((a, b) => {
      const side = this.#orientation(vertex, this.#last(a), this.#last(b))
      isShared ||= side === 0
      return -side
    })
    return !isShared
  }

  /** Whether the rings at the point only touch. */
  #areTouchesAllowed(start: number, end: number): boolean {
    const { ring } = this.#vertices
    this.#touches.startPoint()
    for (let index = start; index < end; index += 1) {
      if (!this.#touches.add(at(ring, at(this.#order.vertices, index)))) return false
    }
    if (this.#passing !== NONE && !this.#touches.add(at(ring, this.#passing))) return false
    // Edges around the point, counterclockwise.
    const ways = this.#leaving.map((edge) => at(ring, edge))
    for (const node of this.#arriving.toReversed()) ways.push(at(ring, at(this.#line.edge, node)))
    return this.#touches.areApart(ways)
  }

  #replaceEdges(): void {
    const [arriving, leaving] = [this.#arriving, this.#leaving]
    let node = this.#under
    for (const [index, edge] of leaving.entries()) {
      const reused = arriving[index]
      if (reused !== undefined) this.#line.edge[reused] = edge
      node = reused ?? this.#line.insertAbove(node, edge)
      this.#node[edge] = node
    }
    for (const unused of arriving.slice(leaving.length)) this.#line.remove(unused)
  }

  /** Nests a ring that starts at the point into the ring directly below its lowest edge. */
  #enterRings(): void {
    const { ring } = this.#vertices
    let below = this.#under === NONE ? NONE : at(this.#line.edge, this.#under)
    for (const edge of this.#leaving) {
      const entered = at(ring, edge)
      if (this.#around[entered] === UNSEEN) {
        this.#isCounterclockwise[entered] = this.#goesRight(edge) ? 1 : 0
        this.#around[entered] = this.#ringAbove(below)
      }
      below = edge
    }
  }

  /** The innermost ring around the area directly above an edge. */
  #ringAbove(edge: number): number {
    if (edge === NONE) return NONE
    const ring = at(this.#vertices.ring, edge)
    const isInsideAbove = this.#goesRight(edge) === (this.#isCounterclockwise[ring] === 1)
    return isInsideAbove ? ring : at(this.#around, ring)
  }

  /** Compares the edges that have become neighbours at the point. */
  #isCrossingAhead(): boolean {
    const { edge, above, below } = this.#line
    const edgeOf = (node: number): number => (node === NONE ? NONE : at(edge, node))
    const [lowest, highest] = [this.#leaving.at(0), this.#leaving.at(-1)]
    if (lowest === undefined || highest === undefined) {
      const over = this.#under === NONE ? NONE : at(above, this.#under)
      return this.#cross(edgeOf(this.#under), edgeOf(over))
    }
    const [under, over] = [at(below, at(this.#node, lowest)), at(above, at(this.#node, highest))]
    return this.#cross(edgeOf(under), lowest) || this.#cross(highest, edgeOf(over))
  }

  /** Whether two neighbours cross before the first of them ends. */
  #cross(lower: number, upper: number): boolean {
    if (lower === NONE || upper === NONE) return false
    const [lowerEnd, upperEnd] = [this.#last(lower), this.#last(upper)]
    const distance = at(this.#order.rank, lowerEnd) - at(this.#order.rank, upperEnd)
    if (distance === 0) return false
    return distance < 0 ? this.#side(upper, lowerEnd) > 0 : this.#side(lower, upperEnd) < 0
  }

  /** Positive when the vertex is above the edge on the line, 0 when it is on the edge. */
  #side(edge: number, vertex: number): number {
    const next = this.#next(edge)
    return this.#goesRight(edge)
      ? this.#orientation(edge, next, vertex)
      : this.#orientation(next, edge, vertex)
  }

  /** Positive when `c` is left of the line from `a` to `b`, negative right of it, 0 on it. */
  #orientation(a: number, b: number, c: number): number {
    this.#effort.operations += 1
    const { x, y } = this.#vertices
    const [ax, ay, bx, by] = [x[a] ?? 0, y[a] ?? 0, x[b] ?? 0, y[b] ?? 0]
    return -orient2d(ax, ay, bx, by, x[c] ?? 0, y[c] ?? 0)
  }

  #goesRight(edge: number): boolean {
    return at(this.#order.rank, edge) < at(this.#order.rank, this.#next(edge))
  }

  /** The right end of an edge. */
  #last(edge: number): number {
    return this.#goesRight(edge) ? this.#next(edge) : edge
  }

  #next(vertex: number): number {
    const { ring, starts } = this.#vertices
    const own = at(ring, vertex)
    return vertex + 1 === at(starts, own + 1) ? at(starts, own) : vertex + 1
  }

  #previous(vertex: number): number {
    const { ring, starts } = this.#vertices
    const own = at(ring, vertex)
    return vertex === at(starts, own) ? at(starts, own + 1) - 1 : vertex - 1
  }
}
