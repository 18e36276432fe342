import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../../../../src/contract/json.ts'
import { listInput, provision, readOutput, refusalOf } from './codec-calls.ts'

const type = { id: 'geometry' } as const
const SQUARE = [
  [0, 0],
  [4, 0],
  [4, 4],
  [0, 4],
  [0, 0],
]

function polygon(...coordinates: JsonValue[]): JsonValue {
  return { type: 'Polygon', coordinates }
}

function feature(geometry: JsonValue, properties: JsonValue = {}): JsonValue {
  return { type: 'Feature', geometry, properties }
}

/** The square, moved to the right and up. */
function shifted(by: number, size = 1): number[][] {
  return SQUARE.map(([x = 0, y = 0]) => [x * size + by, y * size + 1])
}

/** A closed ring around the origin, whose distance from it may depend on the corner. */
function star(corners: number, radius: (corner: number) => number): number[][] {
  const ring = Array.from({ length: corners }, (_, corner) => {
    const angle = (2 * Math.PI * corner) / corners
    return [radius(corner) * Math.cos(angle), radius(corner) * Math.sin(angle)]
  })
  return [...ring, ...ring.slice(0, 1)]
}

const POINT = { type: 'Point', coordinates: [1, 2] } as const

const VALID: readonly (readonly [string, JsonValue])[] = [
  ['point', POINT],
  ['point with height', { type: 'Point', coordinates: [1, 2, 3] }],
  [
    'multipoint',
    {
      type: 'MultiPoint',
      coordinates: [
        [0, 0],
        [0, 0],
      ],
    },
  ],
  [
    'line',
    {
      type: 'LineString',
      coordinates: [
        [0, 0],
        [1, 1],
      ],
    },
  ],
  [
    'line that crosses itself',
    {
      type: 'LineString',
      coordinates: [
        [0, 0],
        [2, 2],
        [2, 0],
        [0, 2],
      ],
    },
  ],
  [
    'multiline',
    {
      type: 'MultiLineString',
      coordinates: [
        [
          [0, 0],
          [1, 1],
        ],
        [
          [2, 2],
          [3, 3],
        ],
      ],
    },
  ],
  ['polygon', polygon(SQUARE)],
  [
    'polygon with a hole',
    polygon(SQUARE, [
      [1, 1],
      [2, 1],
      [2, 2],
      [1, 1],
    ]),
  ],
  ['multipolygon', { type: 'MultiPolygon', coordinates: [[SQUARE], [shifted(10)]] }],
  [
    'parts that touch in a point',
    {
      type: 'MultiPolygon',
      coordinates: [
        [SQUARE],
        [
          [
            [4, 4],
            [5, 4],
            [5, 5],
            [4, 4],
          ],
        ],
      ],
    },
  ],
  ['empty point', { type: 'Point', coordinates: [] }],
  ['empty line', { type: 'LineString', coordinates: [] }],
  ['empty polygon', { type: 'Polygon', coordinates: [] }],
  ['empty multipolygon', { type: 'MultiPolygon', coordinates: [] }],
  ['other members', { ...POINT, crs: { properties: { name: 'EPSG:4326' } }, bbox: [1, 2, 1, 2], id: 7 }],
  ['feature', feature(POINT)],
  ['feature without properties', { type: 'Feature', geometry: POINT, properties: null }],
  ['feature with any properties', feature(POINT, { name: 'x', nested: { deep: [1] } })],
  ['circle', feature(POINT, { subType: 'Circle', radius: 55 })],
  ['rectangle', feature(polygon(SQUARE), { subType: 'Rectangle' })],
]

const INVALID: readonly (readonly [string, string, JsonValue])[] = [
  ['an object that is not GeoJSON', 'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR', {}],
  ['unknown type', 'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR', { type: 'Circle', coordinates: [1, 2] }],
  ['no coordinates', 'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR', { type: 'Point' }],
  [
    'coordinates as text',
    'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR',
    { type: 'Point', coordinates: ['1', '2'] },
  ],
  ['one coordinate', 'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR', { type: 'Point', coordinates: [1] }],
  [
    'line of one position',
    'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR',
    { type: 'LineString', coordinates: [[1, 1]] },
  ],
  ['unclosed ring', 'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR', polygon(SQUARE.slice(0, 4))],
  [
    'ring of three',
    'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR',
    polygon([
      [0, 0],
      [1, 1],
      [0, 0],
    ]),
  ],
  ['feature without geometry', 'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR', feature(null)],
  ['feature in a feature', 'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR', feature(feature(POINT))],
  [
    'line without length',
    'INTERNAL_PARAMETER_INVALID_GEOJSON',
    {
      type: 'LineString',
      coordinates: [
        [1, 1],
        [1, 1],
      ],
    },
  ],
  [
    'bow tie',
    'INTERNAL_PARAMETER_INVALID_GEOJSON',
    polygon([
      [0, 0],
      [2, 2],
      [2, 0],
      [0, 2],
      [0, 0],
    ]),
  ],
  [
    'flat ring',
    'INTERNAL_PARAMETER_INVALID_GEOJSON',
    polygon([
      [0, 0],
      [1, 1],
      [0, 0],
      [0, 0],
    ]),
  ],
  ['hole outside', 'INTERNAL_PARAMETER_INVALID_GEOJSON', polygon(SQUARE, shifted(10))],
  [
    'overlapping parts',
    'INTERNAL_PARAMETER_INVALID_GEOJSON',
    { type: 'MultiPolygon', coordinates: [[SQUARE], [shifted(2)]] },
  ],
  [
    'part in a part',
    'INTERNAL_PARAMETER_INVALID_GEOJSON',
    { type: 'MultiPolygon', coordinates: [[SQUARE], [shifted(1, 0.25)]] },
  ],
  [
    'collection',
    'INTERNAL_PARAMETER_UNSUPPORTED_GEOMETRY_TYPE',
    { type: 'GeometryCollection', geometries: [POINT] },
  ],
  [
    'features',
    'INTERNAL_PARAMETER_UNSUPPORTED_GEOMETRY_TYPE',
    { type: 'FeatureCollection', features: [feature(POINT)] },
  ],
  [
    'collection in a feature',
    'INTERNAL_PARAMETER_UNSUPPORTED_GEOMETRY_TYPE',
    feature({ type: 'GeometryCollection', geometries: [] }),
  ],
  ['triangle', 'INTERNAL_PARAMETER_UNSUPPORTED_GEOMETRY_SUBTYPE', feature(POINT, { subType: 'Triangle' })],
  [
    'sub-type beside a geometry',
    'INTERNAL_PARAMETER_UNSUPPORTED_GEOMETRY_SUBTYPE',
    { ...POINT, properties: { subType: 1 } },
  ],
  ['circle without radius', 'INTERNAL_PARAMETER_MISSING_RADIUS_ERROR', feature(POINT, { subType: 'Circle' })],
]

describe('geometry parameters', () => {
  it.each(VALID)('store and list a %s as it was sent', (_name, value) => {
    const text = JSON.stringify(value, null, 1)

    expect(provision(type, `\n${text} `)).toEqual({ fileText: text, value: text })
    expect(listInput(type, text)).toBe(text)
    expect(readOutput(type, `${text}\n`)).toBe(text)
  })

  it.each(VALID)('accept a %s as a JSON object', (_name, value) => {
    expect(provision(type, value).value).toBe(JSON.stringify(value))
  })

  it.each(INVALID)('refuse %s with %s, as inputs and outputs', (_name, error, value) => {
    const text = JSON.stringify(value)

    expect(refusalOf(() => provision(type, text))).toBe(error)
    expect(refusalOf(() => provision(type, value))).toBe(error)
    expect(refusalOf(() => readOutput(type, text))).toBe(error)
  })

  it.each([
    ['POINT (1 2)', 'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR'],
    ['', 'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR'],
    ['[]', 'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR'],
    ['null', 'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR'],
    ['{"type":"Point","coordinates":[1,2]}x', 'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR'],
    ['{"type":"Point","coordinates":[1e999,2]}', 'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR'],
    [5, 'INTERNAL_PARAMETER_TYPE_ERROR'],
    [[1, 2], 'INTERNAL_PARAMETER_TYPE_ERROR'],
    [null, 'INTERNAL_PARAMETER_TYPE_ERROR'],
  ])('refuse %j with %s', (value, error) => {
    expect(refusalOf(() => provision(type, value))).toBe(error)
  })

  it('refuse a blank output as blank', () => {
    expect(refusalOf(() => readOutput(type, '\n'))).toBe('INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_BLANK')
  })

  it('refuse a geometry that is nested too deeply, as text and as an object', () => {
    let deep: JsonValue = 1
    for (let level = 0; level < 20_000; level += 1) deep = [deep]
    const text = `{"type":"Point","coordinates":[1,2],"properties":{"a":${'['.repeat(20_000)}1${']'.repeat(20_000)}}}`

    expect(refusalOf(() => provision(type, text))).toBe('INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR')
    expect(refusalOf(() => provision(type, feature(POINT, { deep })))).toBe(
      'INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR',
    )
  })

  it('refuse a text that is too long to be parsed', () => {
    const text = `{"type":"Point","coordinates":[1,2],"a":"${'x'.repeat(16 * 1024 * 1024)}"}`

    expect(refusalOf(() => provision(type, text))).toBe('INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR')
  })

  it('accept rings of many thousand positions, and refuse self-intersecting ones', () => {
    const ring = star(20_000, (corner) => 1000 + (corner % 2))
    const crossed = [...ring.slice(0, 100), [0, 0], [5000, 5000], ...ring.slice(101)]

    expect(refusalOf(() => provision(type, polygon(ring)))).toBeUndefined()
    expect(refusalOf(() => provision(type, polygon(crossed)))).toBe('INTERNAL_PARAMETER_INVALID_GEOJSON')
  })

  it('accept every star-shaped ring', () => {
    const radii = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 3, maxLength: 40 })
    fc.assert(
      fc.property(radii, (lengths) => {
        const ring = star(lengths.length, (corner) => lengths[corner] ?? 1)

        expect(refusalOf(() => provision(type, polygon(ring)))).toBeUndefined()
      }),
    )
  })

  it('accept or refuse any JSON, without another error', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(() => refusalOf(() => provision(type, text))).not.toThrow()
      }),
    )
  })
})
