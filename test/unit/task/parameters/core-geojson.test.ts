import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../../../../src/contract/json.ts'
import { provision, readOutput } from './codec-calls.ts'

const type = { id: 'geometry' } as const

/** Matches the text of an integer of any length. */
const BEYOND = /^-?(?:0|[1-9]\d*)$/u
const LARGEST = 2n ** 63n - 1n

/**
 * Whether JTS 1.19 reads a valid geometry: integers must be Java longs, and a top-level `crs` must be null, or an object whose `properties.name` has
 * an int after its first colon.
 */
function coreCanRead(text: string): boolean {
  let isReadable = true
  const parsed = JSON.parse(text, function check(_key, value, context?: { readonly source?: string }) {
    const source = context?.source ?? ''
    if (typeof value === 'number' && BEYOND.test(source)) {
      const integer = BigInt(source)
      if (integer > LARGEST || integer < -LARGEST - 1n) isReadable = false
    }
    return value
  } as (key: string, value: unknown) => unknown)
  return isReadable && isCrsReadable(parsed.crs)
}

function isCrsReadable(
  crs: { readonly properties?: { readonly name?: unknown } } | null | undefined,
): boolean {
  if (crs === null || crs === undefined) return true
  const name = typeof crs === 'object' ? crs.properties?.name : undefined
  if (typeof name !== 'string') return false
  const code = name.split(':')[1] ?? ''
  return /^[-+]?\d+$/u.test(code) && Math.abs(Number(code)) < 2 ** 31
}

/** A JSON value whose integers keep all digits. */
function written(value: JsonValue | bigint | readonly unknown[] | object): string {
  return JSON.stringify(value, (_key, inner) =>
    typeof inner === 'bigint' ? `#${inner}#` : inner,
  ).replaceAll(/"#(-?\d+)#"/gu, '$1')
}

const named = (name: string) => ({ type: 'name', properties: { name } })
const point = (more: object = {}) => ({ type: 'Point', coordinates: [1, 2], ...more })
const feature = (more: object = {}, geometry: object = point()) => ({
  type: 'Feature',
  geometry,
  properties: {},
  ...more,
})

/** Sent text and stored text, which is omitted if it is unchanged. */
const CASES: readonly (readonly [what: string, given: string, stored?: string])[] = [
  ['the crs of PostGIS', written(point({ crs: named('EPSG:4326') }))],
  ['no crs', written(feature({ crs: null }))],
  ['the crs of GDAL', written(point({ crs: named('urn:ogc:def:crs:OGC:1.3:CRS84') })), written(point())],
  ['a crs by its URN', written(point({ crs: named('urn:ogc:def:crs:EPSG::3857') })), written(point())],
  ['a crs as text', written(point({ crs: 'EPSG:4326' })), written(point())],
  [
    'a crs by a link',
    written(feature({ crs: { type: 'link', properties: { href: 'x' } } })),
    written(feature()),
  ],
  ['a crs of a geometry in a feature', written(feature({}, point({ crs: false })))],
  [
    'a crs beside spaces',
    '{ "crs" : 7 , "type":"Point","coordinates":[1,2]}',
    '{ "type":"Point","coordinates":[1,2]}',
  ],
  [
    'a crs that is spelled with escapes',
    '{"type":"Point","\\u0063rs":{},"coordinates":[1,2]}',
    '{"type":"Point","coordinates":[1,2]}',
  ],
  [
    'a crs that is given three times',
    '{"crs":null,"type":"Point","coordinates":[1,2],"crs":[],"crs":1}',
    '{"type":"Point","coordinates":[1,2]}',
  ],
  [
    'a crs with brackets and quotes in its texts',
    '{"type":"Point","coordinates":[1,2],"crs":{"a":"}\\\\","b":["]\\"{"]},"id":"crs"}',
    '{"type":"Point","coordinates":[1,2],"id":"crs"}',
  ],
  [
    'a crs in the properties, which is ignored',
    written(feature({ properties: { crs: 'EPSG:4326', geometry: { crs: 1 } } })),
  ],
  ['the largest long as id', written(feature({ id: LARGEST }))],
  ['the smallest long as id', written(feature({ id: -LARGEST - 1n }))],
  [
    'an id beyond 64 bits',
    '{"type":"Feature","id":18446744073709551615,"properties":{},"geometry":{"type":"Point","coordinates":[1,2]}}',
    '{"type":"Feature","id":18446744073709551615.0,"properties":{},"geometry":{"type":"Point","coordinates":[1,2]}}',
  ],
  [
    'one more than the largest long in properties',
    written(feature({ properties: { a: [{ b: LARGEST + 1n }] } })),
    written(feature({ properties: { a: [{ b: LARGEST + 1n }] } })).replace('808', '808.0'),
  ],
  [
    'coordinates and a box beyond 64 bits',
    '{"type":"Point","bbox":[-9223372036854775809],"coordinates":[100000000000000000000,2]}',
    '{"type":"Point","bbox":[-9223372036854775809.0],"coordinates":[100000000000000000000.0,2]}',
  ],
  [
    'long fractions, exponents and digits in texts',
    '{"type":"Feature","id":"18446744073709551615","k18446744073709551615":[1e400,-0,0.18446744073709551615,1E18446744073709551615,1e-18446744073709551615,18446744073709551615.5,18446744073709551615e2],"properties":{"t":"\\"18446744073709551615"},"geometry":{"type":"Point","coordinates":[1,2]}}',
  ],
]

describe('a geometry that core cannot read', () => {
  const cases = CASES.map(([what, given, stored = given]) => ({ what, given, stored }))
  it.each(cases)('is stored in a form that core can read: $what', ({ given, stored }) => {
    expect(coreCanRead(stored)).toBe(true)
    expect(provision(type, given)).toEqual({ fileText: stored, value: stored })
    expect(readOutput(type, ` ${given}\n`)).toBe(stored)
  })

  it('is recognised by `coreCanRead` as by JTS', () => {
    expect(CASES.filter(([, given, stored]) => stored !== undefined && coreCanRead(given))).toEqual([])
  })

  it('is stored in a readable form when it is sent as a JSON object', () => {
    const value = JSON.parse('{"type":"Point","coordinates":[1,2],"id":18446744073709551615,"crs":"x"}')
    const { fileText } = provision(type, value)
    expect(coreCanRead(fileText)).toBe(true)
    expect(JSON.parse(fileText)).toEqual({ type: 'Point', coordinates: [1, 2], id: 2 ** 64 })
  })

  it('is stored without other changes', () => {
    const member = fc.oneof(
      fc.json({ maxDepth: 3 }),
      fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
      fc.constantFrom(
        '{"properties":{"name":"EPSG:1"}}',
        '{"properties":{"name":"urn:x:y"}}',
        'null',
        '"crs"',
      ),
      fc.string().map((text) => JSON.stringify(text)),
    )
    const key = fc.oneof(
      fc.constantFrom('crs', '\\u0063rs', 'id', 'bbox', 'other'),
      fc.stringMatching(/^[a-z]{1,3}$/u),
    )
    const members = fc.array(fc.tuple(key, fc.constantFrom(':', ' : '), member), { maxLength: 6 })
    fc.assert(
      fc.property(members, members, fc.boolean(), fc.nat(6), (outer, inner, isFeature, at) => {
        const geometry = document([...inner, ['type', ':', '"Point"'], ['coordinates', ':', '[1,2]']], at)
        const text = isFeature
          ? document([...outer, ['type', ':', '"Feature"'], ['geometry', ':', geometry]], at)
          : geometry
        const stored = readOutput(type, text) as string
        expect(coreCanRead(stored)).toBe(true)
        expect(withoutCrs(JSON.parse(stored))).toEqual(withoutCrs(JSON.parse(text)))
        expect(readOutput(type, stored)).toBe(stored)
        // `coreCanRead` sees only the last value of a repeated key.
        if (coreCanRead(text) && !isAnyTwice(outer) && !isAnyTwice(inner)) expect(stored).toBe(text)
      }),
    )
  })
})

/** An object with these members, after moving the last ones to the front. */
function document(members: readonly (readonly [string, string, string])[], at: number): string {
  const texts = members.map(([key, colon, value]) => `"${key}"${colon}${value}`)
  const start = Math.min(at, texts.length)
  return `{${[...texts.slice(start), ...texts.slice(0, start)].join(at % 2 === 0 ? ',' : ' ,\n')}}`
}

function isAnyTwice(members: readonly (readonly [key: string, ...rest: string[]])[]): boolean {
  return new Set(members.map(([key]) => JSON.parse(`"${key}"`))).size < members.length
}

function withoutCrs({ crs: _crs, ...rest }: Record<string, unknown>): unknown {
  return rest
}
