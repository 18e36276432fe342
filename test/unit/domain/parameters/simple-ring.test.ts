import fc from 'fast-check'
import GeoJSONReader from 'jsts/org/locationtech/jts/io/GeoJSONReader.js'
import IsValidOp from 'jsts/org/locationtech/jts/operation/valid/IsValidOp.js'
import { describe, expect, it } from 'vitest'
import type { Position, Ring } from '../../../../src/domain/parameters/geojson.ts'
import { isCertainlySimple } from '../../../../src/domain/parameters/simple-ring.ts'
import { isTopologicallyValid } from '../../../../src/domain/parameters/topology.ts'

const SEED = 20261122

function closed(positions: readonly Position[]): Ring {
  return positions[0] === undefined ? positions : [...positions, positions[0]]
}

function isValidForJsts(ring: Ring): boolean {
  return new IsValidOp(new GeoJSONReader().read({ type: 'Polygon', coordinates: [ring] })).isValid()
}

/** A few places make touching, repeated and collinear positions likely. */
const onGrid = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 }))
/** Numbers of one world: jsts itself loses the thread where 1e-100 meets 1e-42. */
const ordinary = fc
  .double({ noNaN: true, min: -1e9, max: 1e9 })
  .map((number) => (Math.abs(number) < 1e-9 ? 0 : number))
const anywhere = fc.tuple(ordinary, ordinary)
const nearby = fc
  .tuple(fc.integer({ min: -4, max: 4 }), fc.integer({ min: -4, max: 4 }))
  .map(([x, y]): Position => [0.1 + x * 2 ** -54, 0.1 + y * 2 ** -54])

describe('the quick check of small rings', () => {
  it.each([
    ['on a grid', onGrid],
    ['anywhere', anywhere],
    ['a rounding apart', nearby],
  ])('gives the verdict of jsts for positions %s', (_, position) => {
    const rings = fc.array(position, { minLength: 3, maxLength: 9 }).map(closed)

    fc.assert(
      fc.property(rings, (ring) => {
        expect(isTopologicallyValid({ type: 'Polygon', coordinates: [[...ring]] })).toBe(isValidForJsts(ring))
      }),
      { seed: SEED, numRuns: 2000 },
    )
  })

  it('is certain of star-shaped rings', () => {
    const ring = closed(
      Array.from({ length: 40 }, (_, i): Position => {
        const radius = i % 2 === 0 ? 10 : 4
        return [radius * Math.cos((i * Math.PI) / 20), radius * Math.sin((i * Math.PI) / 20)]
      }),
    )

    expect(isCertainlySimple(ring)).toBe(true)
  })

  it('is certain of a rectangle with positions in the middle of its sides', () => {
    const ring = closed([
      [0, 0],
      [1, 0],
      [2, 0],
      [2, 3],
      [0, 3],
      [0, 1.5],
    ])

    expect(isCertainlySimple(ring)).toBe(true)
  })

  it.each<[string, Position[]]>([
    [
      'a bow tie',
      [
        [0, 0],
        [2, 2],
        [2, 0],
        [0, 2],
      ],
    ],
    [
      'a position on another edge',
      [
        [0, 0],
        [4, 0],
        [4, 4],
        [2, 0],
        [0, 4],
      ],
    ],
    [
      'a spike',
      [
        [0, 0],
        [4, 0],
        [6, 0],
        [4, 0],
        [4, 4],
      ],
    ],
    [
      'a repeated position',
      [
        [0, 0],
        [4, 0],
        [4, 0],
        [4, 4],
      ],
    ],
    [
      'no area',
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    ],
    [
      'numbers so small that products vanish',
      [
        [0, 0],
        [1e-200, 0],
        [0, 1e-200],
      ],
    ],
    ['more positions than are worth it', Array.from({ length: 64 }, (_, i): Position => [i, i * i])],
  ])('leaves %s to the full check', (_, positions) => {
    expect(isCertainlySimple(closed(positions))).toBe(false)
  })
})
