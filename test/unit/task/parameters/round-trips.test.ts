import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../../../../src/contract/json.ts'
import { codecOf } from '../../../../src/task/parameters/registry.ts'
import type { ParameterType, ParameterTypeId } from '../../../../src/task/task.ts'
import { listInput, provision, readOutput } from './codec-calls.ts'

/** Geometries whose shape is valid for any numbers. */
const number = fc.integer({ min: -1000, max: 1000 }).map((tenths) => tenths / 10)
const position = fc.tuple(number, number)
const box = fc.tuple(number, number, fc.integer({ min: 1, max: 9 })).map(([x, y, size]) => [
  [
    [x, y],
    [x + size, y],
    [x + size, y + size],
    [x, y + size],
    [x, y],
  ],
])
const shape: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.record({ type: fc.constant('Point'), coordinates: position }),
  fc.record({ type: fc.constant('MultiPoint'), coordinates: fc.array(position) }),
  fc.record({
    type: fc.constant('LineString'),
    coordinates: fc.tuple(position, number).map(([[x, y], length]) => [
      [x, y],
      [x + Math.abs(length) + 1, y],
    ]),
  }),
  fc.record({ type: fc.constant('Polygon'), coordinates: box }),
  fc.record({ type: fc.constant('MultiPolygon'), coordinates: box.map((one) => [one]) }),
)
const geojson: fc.Arbitrary<JsonValue> = fc.oneof(
  shape,
  fc
    .tuple(shape, fc.dictionary(fc.constantFrom('name', 'score', 'é'), fc.jsonValue({ maxDepth: 2 })))
    .map(([geometry, properties]) => ({ type: 'Feature', geometry, properties }) as JsonValue),
)

const instant = fc
  .tuple(
    fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9998-12-31T00:00:00Z'),
      noInvalidDate: true,
    }),
    fc.constantFrom('Z', '+02:00', '-11:30'),
  )
  .map(([date, zone]) => date.toISOString().replace('Z', zone))

const VALUES: readonly (readonly [ParameterType, fc.Arbitrary<JsonValue>])[] = [
  [{ id: 'boolean' }, fc.boolean()],
  [{ id: 'integer' }, fc.maxSafeInteger()],
  [
    { id: 'number', infinityAllowed: true, nanAllowed: true },
    fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom('NaN', 'inf', '-Infinity', '1e5'),
    ),
  ],
  // Without surrounding white space, which outputs lose.
  [
    { id: 'string', minLength: 0 },
    fc.string({ unit: 'grapheme' }).filter((text) => text.trim() === text && text.isWellFormed()),
  ],
  [{ id: 'enumeration', values: ['a', 'zwei', ' c '] }, fc.constantFrom('a', 'zwei', ' c ')],
  [{ id: 'datetime' }, instant],
  [
    { id: 'geometry' },
    fc.oneof(
      geojson,
      geojson.map((value) => JSON.stringify(value, null, 1)),
    ),
  ],
]

describe('values', () => {
  it.each(VALUES)('of %j are unchanged when a task copies their file to an output', (type, values) => {
    fc.assert(
      fc.property(values, (value) => {
        const { fileText } = provision(type, value)
        const listed = listInput(type, fileText)

        expect(readOutput(type, fileText)).toEqual(listed)
        expect(readOutput(type, `\n ${fileText}\n`)).toEqual(listed)
      }),
    )
  })

  it.each(VALUES)('of %j can be provisioned in the form in which they are listed', (type, values) => {
    fc.assert(
      fc.property(values, (value) => {
        const listed = listInput(type, provision(type, value).fileText)

        expect(listInput(type, provision(type, listed).fileText)).toEqual(listed)
      }),
    )
  })

  it('are tested for every type with a codec', () => {
    const ids: readonly ParameterTypeId[] = VALUES.map(([type]) => type.id)

    expect(VALUES.every(([type]) => codecOf(type) !== undefined)).toBe(true)
    expect(ids.toSorted()).toEqual([
      'boolean',
      'datetime',
      'enumeration',
      'geometry',
      'integer',
      'number',
      'string',
    ])
  })
})
