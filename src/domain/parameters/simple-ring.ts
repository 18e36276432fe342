import type { Position, Ring } from './geojson.ts'

/** Comparing every pair of edges is faster than any index up to here. */
const MAX_POSITIONS = 64

/** Of the orientation test in doubles: (3 + 16ε)ε, ε = 2⁻⁵³ (Shewchuk 1997, Adaptive Precision Floating-Point Arithmetic). */
const ERROR_BOUND = 3.3306690738754716e-16
/** Between these, products of differences neither overflow nor lose digits, here and in the full check. */
const [SMALLEST, LARGEST] = [1e-100, 1e100]

/**
 * Whether a closed ring is certainly simple: its edges meet at their common ends only. False says nothing: touching, repeated
 * or nearly collinear positions, and rings that are too long, are for the full check.
 */
export function isCertainlySimple(ring: Ring): boolean {
  const edges = ring.length - 1
  if (ring.length > MAX_POSITIONS || edges < 3 || !ring.every(isOrdinary)) return false
  for (let i = 0; i < edges; i += 1) {
    const [a, b, next] = [ring[i], ring[i + 1], ring[i + 2 > edges ? 1 : i + 2]]
    if (a === undefined || b === undefined || next === undefined || !turns(a, b, next)) return false
    for (let j = i + 2; j < edges; j += 1) {
      if (i === 0 && j === edges - 1) continue
      const [c, d] = [ring[j], ring[j + 1]]
      if (c === undefined || d === undefined || !areApart(a, b, c, d)) return false
    }
  }
  return true
}

/** Edges from a to b and on to c have nothing but b in common. */
function turns(a: Position, b: Position, c: Position): boolean {
  if (side(a, b, c) !== 0) return true
  // Straight on, and not back: both coordinates keep their direction, and the edges have a length.
  return goesOn(a[0], b[0], c[0]) && goesOn(a[1], b[1], c[1]) && differ(a, b) && differ(b, c)
}

function goesOn(from: number, over: number, to: number): boolean {
  return (from <= over && over <= to) || (from >= over && over >= to)
}

function differ(a: Position, b: Position): boolean {
  return a[0] !== b[0] || a[1] !== b[1]
}

function areApart(a: Position, b: Position, c: Position, d: Position): boolean {
  return (
    areDisjoint(a, b, c, d, 0) || areDisjoint(a, b, c, d, 1) || isAside(a, b, c, d) || isAside(c, d, a, b)
  )
}

/** The edges' extents along one axis do not meet. */
function areDisjoint(a: Position, b: Position, c: Position, d: Position, axis: 0 | 1): boolean {
  const [p, q, r, s] = [a[axis], b[axis], c[axis], d[axis]]
  const [low, high] = p < q ? [p, q] : [q, p]
  return (r < low && s < low) || (r > high && s > high)
}

/** Both c and d lie on one side of the line through a and b. */
function isAside(a: Position, b: Position, c: Position, d: Position): boolean {
  const one = side(a, b, c)
  return one !== 0 && one === side(a, b, d)
}

/** On which side of the line from a to b the position lies; 0 when doubles cannot tell for certain. */
function side(a: Position, b: Position, c: Position): -1 | 0 | 1 {
  const left = (a[0] - c[0]) * (b[1] - c[1])
  const right = (a[1] - c[1]) * (b[0] - c[0])
  const products = Math.abs(left) + Math.abs(right)
  const determinant = left - right
  if (Math.abs(determinant) <= ERROR_BOUND * products) return 0
  return determinant > 0 ? 1 : -1
}

function isOrdinary([x, y]: Position): boolean {
  return isOrdinaryNumber(Math.abs(x)) && isOrdinaryNumber(Math.abs(y))
}

function isOrdinaryNumber(size: number): boolean {
  return size === 0 || (size >= SMALLEST && size <= LARGEST)
}
