import fc from 'fast-check'
import GeoJSONReader from 'jsts/org/locationtech/jts/io/GeoJSONReader.js'
import IsValidOp from 'jsts/org/locationtech/jts/operation/valid/IsValidOp.js'
import { describe, expect, it } from 'vitest'
import { areValidAreas } from '../../../../src/domain/parameters/areas.ts'
import type { Position, Ring } from '../../../../src/domain/parameters/geojson.ts'

const SEED = 20261123

type Polygons = readonly (readonly Ring[])[]

function closed(positions: readonly Position[]): Ring {
  return positions[0] === undefined ? positions : [...positions, positions[0]]
}

function isValidForJsts(polygons: Polygons): boolean {
  return new IsValidOp(new GeoJSONReader().read({ type: 'MultiPolygon', coordinates: polygons })).isValid()
}

function rectangle(x: number, y: number, width: number, height: number): Ring {
  return closed([
    [x, y],
    [x + width, y],
    [x + width, y + height],
    [x, y + height],
  ])
}

function diamond(x: number, y: number, radius: number): Ring {
  return closed([
    [x - radius, y],
    [x, y - radius],
    [x + radius, y],
    [x, y + radius],
  ])
}

/** A closed ring around a place. */
function star(corners: number, radius: (corner: number) => number, x = 0, y = 0): Ring {
  return closed(
    Array.from({ length: corners }, (_, corner): Position => {
      const [angle, length] = [(2 * Math.PI * corner) / corners, radius(corner)]
      return [x + length * Math.cos(angle), y + length * Math.sin(angle)]
    }),
  )
}

/** Few places, so that rings often touch, cross, overlap and contain each other. */
const place = fc.integer({ min: 0, max: 6 })
const size = fc.integer({ min: 1, max: 5 })
const anyRing: fc.Arbitrary<Ring> = fc.oneof(
  fc.tuple(place, place, size, size).map((numbers) => rectangle(...numbers)),
  fc.tuple(place, place, size).map((numbers) => diamond(...numbers)),
  fc.array(fc.tuple(place, place), { minLength: 3, maxLength: 5 }).map(closed),
)
const turned = (ring: fc.Arbitrary<Ring>) =>
  fc.tuple(ring, fc.boolean()).map(([positions, isTurned]) => (isTurned ? positions.toReversed() : positions))
const rings = (minLength: number, maxLength: number) => fc.array(turned(anyRing), { minLength, maxLength })
const LARGE = rectangle(-3, -3, 15, 15)

const SHAPES: readonly (readonly [string, fc.Arbitrary<Polygons>])[] = [
  ['a ring', rings(1, 1).map((one) => [one])],
  ['a shell and holes', rings(2, 3).map((all) => [all])],
  ['a large shell and holes', rings(1, 4).map((holes) => [[LARGE, ...holes]])],
  [
    'a shell that holes touch',
    fc
      .array(fc.tuple(size, size, fc.integer({ min: 1, max: 2 })), { minLength: 1, maxLength: 6 })
      .map((holes) => [[rectangle(0, 0, 7, 7), ...holes.map((hole) => diamond(...hole))]]),
  ],
  ['parts', rings(2, 4).map((parts) => parts.map((part) => [part]))],
  ['parts with holes', fc.array(rings(1, 2), { minLength: 2, maxLength: 3 })],
  [
    'parts in a hole',
    rings(1, 3).map((parts) => [[LARGE, diamond(4, 4, 4)], ...parts.map((part) => [part])]),
  ],
]

/** Touching positions lie on no edge exactly any more, or just so. */
function skewed(polygons: Polygons): Polygons {
  const skew = ([x, y]: Position): Position => [x * 0.1 + y * 0.3 + 0.7, y * 0.1 - x * 0.3 + 1 / 3]
  return polygons.map((polygon) => polygon.map((ring) => ring.map(skew)))
}

describe('the check of areas', () => {
  it.each(SHAPES)('gives the verdict of jsts for %s', (_, shape) => {
    const seen = { valid: 0, invalid: 0 }
    fc.assert(
      fc.property(shape, fc.boolean(), (plain, isSkewed) => {
        const polygons = isSkewed ? skewed(plain) : plain
        const isValid = isValidForJsts(polygons)
        seen[isValid ? 'valid' : 'invalid'] += 1

        expect(areValidAreas(polygons)).toBe(isValid)
      }),
      { seed: SEED, numRuns: 1000 },
    )

    expect(Math.min(seen.valid, seen.invalid)).toBeGreaterThan(0)
  })

  const CHAIN = [diamond(2, 2, 1), diamond(4, 2, 1), diamond(4, 4, 1)]
  it.each<[string, boolean, Polygons]>([
    ['holes that touch in a row', true, [[rectangle(0, 0, 8, 8), ...CHAIN]]],
    ['holes that touch in a circle', false, [[rectangle(0, 0, 8, 8), ...CHAIN, diamond(2, 4, 1)]]],
    ['a hole that touches the shell once', true, [[rectangle(0, 0, 8, 8), diamond(4, 1, 1)]]],
    ['a hole that cuts the shell in two', false, [[rectangle(0, 0, 8, 8), diamond(4, 4, 4)]]],
    ['a hole that touches from outside', false, [[rectangle(0, 0, 8, 8), diamond(4, -1, 1)]]],
    ['a hole in a hole', false, [[rectangle(0, 0, 8, 8), diamond(4, 4, 3), diamond(4, 4, 1)]]],
    ['a hole given twice', false, [[rectangle(0, 0, 8, 8), diamond(4, 4, 1), diamond(4, 4, 1)]]],
    ['an island in a hole', true, [[rectangle(0, 0, 8, 8), diamond(4, 4, 3)], [diamond(4, 4, 1)]]],
    [
      'an island whose corners all touch the hole',
      true,
      [[rectangle(0, 0, 8, 8), rectangle(2, 2, 4, 4)], [diamond(4, 4, 2)]],
    ],
    ['an island beside the hole', false, [[rectangle(0, 0, 8, 8), diamond(2, 2, 1)], [diamond(5, 5, 1)]]],
    ['parts that share an edge', false, [[rectangle(0, 0, 2, 2)], [rectangle(2, 0, 2, 2)]]],
    ['parts that touch in two corners', true, [[diamond(2, 2, 2)], [rectangle(3, 3, 2, 2)]]],
    [
      'a ring that touches itself',
      false,
      [
        [
          [
            [0, 0],
            [4, 0],
            [4, 4],
            [2, 0],
            [0, 4],
            [0, 0],
          ],
        ],
      ],
    ],
    [
      'repeated positions',
      true,
      [
        [
          [
            [0, 0],
            [4, 0],
            [4, 0],
            [4, 4],
            [0, 0],
          ],
        ],
      ],
    ],
    [
      'numbers that are as good as 0',
      true,
      [
        [
          [
            [1e-200, 0],
            [4, -1e-300],
            [4, 4],
            [1e-200, 0],
          ],
        ],
      ],
    ],
    [
      'numbers whose products overflow',
      false,
      [
        [
          [
            [0, 0],
            [1e200, 0],
            [0, 1e200],
            [0, 0],
          ],
        ],
      ],
    ],
  ])('of %s says %s', (_, isValid, polygons) => {
    expect(areValidAreas(polygons)).toBe(isValid)
  })

  const HOLES = Array.from({ length: 400 }, (_, i) =>
    star(10, () => 3, (i % 20) * 8 - 80, Math.floor(i / 20) * 8 - 80),
  )
  it.each<[string, boolean, Polygons]>([
    ['a long outline', true, [[star(20_000, (corner) => 1000 + (corner % 7))]]],
    ['a long shell and many holes', true, [[star(20_000, () => 200), ...HOLES]]],
    ['a hole outside a long shell', false, [[star(20_000, () => 200), ...HOLES, diamond(300, 0, 1)]]],
    ['a hole in one of many holes', false, [[star(20_000, () => 200), ...HOLES, diamond(-80, -80, 1)]]],
    ['many parts', true, HOLES.map((hole) => [hole])],
    ['a part in one of many parts', false, [...HOLES.map((hole) => [hole]), [diamond(72, 72, 1)]]],
    ['many wide and flat parts', true, Array.from({ length: 5000 }, (_, i) => [rectangle(0, i * 2, 1e6, 1)])],
    [
      'many parts that touch in corners',
      true,
      Array.from({ length: 5000 }, (_, i) => [
        rectangle((i % 100) * 2 + (Math.floor(i / 100) % 2), Math.floor(i / 100), 1, 1),
      ]),
    ],
  ])('of %s says %s beyond 5000 positions, too', (_, isValid, polygons) => {
    expect(areValidAreas(polygons)).toBe(isValid)
  })
})
