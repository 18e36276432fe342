import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { areValidAreas } from '../../../../src/task/parameters/areas.ts'
import type { Position, Ring } from '../../../../src/task/parameters/geojson.ts'
import { isTopologicallyValid } from '../../../../src/task/parameters/topology.ts'
import { closed, diamond, isValidForJsts, type Polygons, rectangle } from '../../../fixtures/areas.ts'

const SEED = 20261123
const CASES_OF_A_SHAPE = 1000
const ORIGIN: Position = [0, 0]

/** A small range, so that rings often touch, cross, overlap and contain each other. */
const place = fc.integer({ min: 0, max: 6 })
const size = fc.integer({ min: 1, max: 5 })
const corner = fc.tuple(place, place)
const plainRing: fc.Arbitrary<Ring> = fc.oneof(
  fc.tuple(place, place, size, size).map((numbers) => rectangle(...numbers)),
  fc.tuple(place, place, size).map((numbers) => diamond(...numbers)),
  fc.array(corner, { minLength: 3, maxLength: 7 }).map(closed),
)

/** Rings with either direction and any first corner, some with a repeated corner or a corner on an edge. */
const anyRing = fc
  .tuple(plainRing, fc.boolean(), fc.nat(7), fc.constantFrom('as it is', 'repeated', 'on an edge'))
  .map(([ring, isReversed, first, extra]) => {
    const corners = ring.slice(1)
    const start = first % corners.length
    const turned = [...corners.slice(start), ...corners.slice(0, start)]
    const [a = ORIGIN, b = ORIGIN] = turned
    const additions: Readonly<Record<typeof extra, readonly Position[]>> = {
      'as it is': [],
      repeated: [a],
      'on an edge': [[(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]],
    }
    const whole = [a, ...additions[extra], ...turned.slice(1)]
    return closed(isReversed ? whole.toReversed() : whole)
  })
const rings = (minLength: number, maxLength: number) => fc.array(anyRing, { minLength, maxLength })

const LARGE = rectangle(-3, -3, 15, 15)
const smallDiamond = fc.tuple(size, size, fc.integer({ min: 1, max: 2 })).map((hole) => diamond(...hole))
/** Positions on a line around the origin, in order. */
const AROUND: readonly Position[] = [
  [4, 0],
  [4, 2],
  [4, 4],
  [2, 4],
  [0, 4],
  [-4, 4],
  [-4, 2],
  [-4, -4],
  [0, -4],
  [2, -4],
]
const triangleAtOrigin = fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 2 })).map(([start, width]) => {
  const [a = ORIGIN, b = ORIGIN] = [AROUND[start % 10], AROUND[(start + width) % 10]]
  return closed([ORIGIN, a, b])
})
const atOrigin = fc.array(triangleAtOrigin, { minLength: 2, maxLength: 4 })

const SHAPES: Readonly<Record<string, fc.Arbitrary<Polygons>>> = {
  'a ring': rings(1, 1).map((one) => [one]),
  'a shell and holes': rings(2, 3).map((all) => [all]),
  'a large shell and holes': rings(1, 4).map((holes) => [[LARGE, ...holes]]),
  'a shell that holes touch': fc
    .array(smallDiamond, { minLength: 1, maxLength: 6 })
    .map((holes) => [[rectangle(0, 0, 7, 7), ...holes]]),
  parts: rings(2, 4).map((parts) => parts.map((part) => [part])),
  'parts with holes': fc.array(rings(1, 2), { minLength: 2, maxLength: 3 }),
  'parts in a hole': rings(1, 3).map((parts) => [[LARGE, diamond(4, 4, 4)], ...parts.map((part) => [part])]),
  'holes that touch in one place': atOrigin.map((holes) => [[rectangle(-6, -6, 12, 12), ...holes]]),
  'parts that touch in one place': atOrigin.map((parts) => parts.map((part) => [part])),
  'a grid of diamonds': fc
    .array(fc.tuple(place, place), { minLength: 2, maxLength: 10 })
    .map((places) => places.map(([x, y]) => [diamond(2 * x + (y % 2), y, 1)])),
}

type Move = (position: Position) => Position
/** Transformations, some of which move touching corners slightly off an edge. */
const MOVES: readonly Move[] = [
  (position) => position,
  ([x, y]) => [x * 0.1 + y * 0.3 + 0.7, y * 0.1 - x * 0.3 + 1 / 3],
  ([x, y]) => [x * 1e9 + 123_456_789.25, y * 1e9 - 5],
  ([x, y]) => [x * 1e-7 + 1 / 3, y * 1e-7],
  ([x, y]) => [0.1 + x * 2 ** -54, 0.1 + y * 2 ** -54],
  ([x, y]) => [x * 3 + y, y * 2 - x],
]

describe('the check of areas', () => {
  it.each(Object.entries(SHAPES))('agrees with JTS on %s, 1000 times', (_, shape) => {
    const seen = { valid: 0, invalid: 0 }
    fc.assert(
      fc.property(shape, fc.constantFrom(...MOVES), (plain, move) => {
        const polygons = plain.map((polygon) => polygon.map((ring) => ring.map(move)))
        const isValid = isValidForJsts('MultiPolygon', polygons)
        seen[isValid ? 'valid' : 'invalid'] += 1

        expect(areValidAreas(polygons)).toBe(isValid)
      }),
      { seed: SEED, numRuns: CASES_OF_A_SHAPE },
    )

    expect(Math.min(seen.valid, seen.invalid)).toBeGreaterThan(0)
  })

  it('agrees with JTS on rings with coordinates of any size', () => {
    const number = fc.double({ noNaN: true, min: -1e9, max: 1e9 })
    const anywhere = fc.array(fc.tuple(number, number), { minLength: 3, maxLength: 9 }).map(closed)
    fc.assert(
      fc.property(anywhere, (ring) => {
        // jsts loses digits when it combines numbers such as 1e-100 and 1e-42.
        const plain = ring.map(([x, y]): Position => [plainNumber(x), plainNumber(y)])

        expect(areValidAreas([[plain]])).toBe(isValidForJsts('Polygon', [plain]))
      }),
      { seed: SEED, numRuns: CASES_OF_A_SHAPE },
    )
  })

  it('agrees with JTS on points and lines', () => {
    const positions = fc.array(fc.tuple(fc.nat(2), fc.nat(2)), { minLength: 2, maxLength: 4 })
    fc.assert(
      fc.property(positions, positions, (one, other) => {
        const [a, b] = [[...one], [...other]]
        const verdicts = [
          isTopologicallyValid({ type: 'MultiPoint', coordinates: a }),
          isTopologicallyValid({ type: 'LineString', coordinates: a }),
          isTopologicallyValid({ type: 'MultiLineString', coordinates: [a, b] }),
        ]

        expect(verdicts).toEqual([
          isValidForJsts('MultiPoint', a),
          isValidForJsts('LineString', a),
          isValidForJsts('MultiLineString', [a, b]),
        ])
      }),
      { seed: SEED, numRuns: CASES_OF_A_SHAPE },
    )
  })
})

function plainNumber(number: number): number {
  return Math.abs(number) < 1e-9 ? 0 : number
}

/** Positive when c is to the left of the line from a to b. Exact for multiples of 1/1024. */
function exactSide(a: Position, b: Position, c: Position): bigint {
  const exact = (number: number): bigint => BigInt(number * 1024)
  const [x, y] = [exact(a[0]), exact(a[1])]
  return (exact(b[0]) - x) * (exact(c[1]) - y) - (exact(b[1]) - y) * (exact(c[0]) - x)
}

/*
 * Cases in which this check and JTS differ: 4 of 400 000 against JTS 1.19, 2 of 100 000 against jsts. Both round in their orientation test, whose 106
 * bits are too few for products of coordinates with 53 bits.
 */
describe('the check of areas, where JTS rounds,', () => {
  it('accepts a hole whose corner is on an edge of its shell, with coordinates of 53 bits', () => {
    const shell = [
      [333333333333333.3, 1e15],
      [1333333333333333.2, 571428571428571.4],
      [333333333333333.3, 142857142857142.84],
      [-666666666666666.6, 571428571428571.4],
    ] as const
    const hole = [
      [666666666666666.6, 571428571428571.4],
      [333333333333333.3, 428571428571428.56],
      [666666666666666.6, 285714285714285.7],
      [1e15, 428571428571428.56],
    ] as const

    expect(exactSide(shell[2], shell[1], hole[2])).toBe(0n)
    expect(exactSide(shell[2], shell[1], hole[3])).toBeGreaterThan(0n)
    expect(areValidAreas([[closed(shell), closed(hole)]])).toBe(true)
    expect(isValidForJsts('Polygon', [closed(shell), closed(hole)])).toBe(false)
  })

  it('treats coordinates below 2^-480 as 0, because their products are 0 in JTS too', () => {
    const triangle = (size: number) => [closed([[0, 0] as const, [size, 0] as const, [0, size] as const])]

    for (const [size, isValid, isValidInJts] of [
      [1e-140, true, true],
      [1e-150, false, true],
      [1e-200, false, false],
    ] as const) {
      expect([size, areValidAreas([triangle(size)])]).toEqual([size, isValid])
      expect([size, isValidForJsts('Polygon', triangle(size))]).toEqual([size, isValidInJts])
    }
  })
})
