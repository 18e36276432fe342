import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../../../src/contract/json.ts'
import type { ParameterType } from '../../../src/task/task.ts'
import {
  endHere,
  endInService,
  isAcceptedByService,
  isAcceptedHere,
  type Left,
} from '../../fixtures/both-ways.ts'
import { anInput, anOutput, aTask } from '../../fixtures/builders.ts'

/** Number of inputs, and of outputs, for which a run on this machine and the service are compared. */
const RUNS = 200

const bound = fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined })
const bounds = fc
  .record({ gt: bound, geq: bound, lt: bound, leq: bound })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)))
const leafType: fc.Arbitrary<ParameterType> = fc.oneof(
  fc.constant<ParameterType>({ id: 'boolean' }),
  bounds.map((some): ParameterType => ({ id: 'integer', ...some })),
  bounds.map((some): ParameterType => ({ id: 'number', infinityAllowed: false, nanAllowed: true, ...some })),
  fc.constant<ParameterType>({ id: 'string', minLength: 1, maxLength: 3 }),
  fc.constant<ParameterType>({ id: 'enumeration', values: ['a', 'b'] }),
  fc.constant<ParameterType>({ id: 'datetime', after: '2020-01-01T00:00:00Z' }),
  fc.constant<ParameterType>({ id: 'geometry' }),
)
const anyType: fc.Arbitrary<ParameterType> = fc.oneof(
  { weight: 3, arbitrary: leafType },
  {
    weight: 1,
    arbitrary: leafType.map(
      (subType): ParameterType => ({ id: 'array', minSize: 1, maxSize: 2, allowMissing: false, subType }),
    ),
  },
)

const TEXTS = [
  ...[
    'true',
    'False',
    '1',
    '-2',
    '0x10',
    '2.5',
    '1e3',
    'nan',
    'inf',
    'a',
    'c',
    '',
    ' 3 \n',
    'many words',
    '2024-01-01T00:00:00Z',
  ],
  ...[
    '{"type":"Point","coordinates":[1,2]}',
    '{"type":"Point"}',
    '{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,1],[1,0],[0,0]]]}',
  ],
]
const anyText = fc.constantFrom(...TEXTS)

/** Texts that are valid for a type, mostly. */
const DUE: Readonly<Record<string, readonly string[]>> = {
  boolean: ['true', 'False'],
  integer: ['0', '1', '-2', '0x10', ' 3 \n'],
  number: ['0', '1', '2.5', '-1e0', 'nan'],
  string: ['a', 'abc'],
  enumeration: ['a', 'b'],
  datetime: ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00+01:00'],
  geometry: ['{"type":"Point","coordinates":[1,2]}'],
}

/** A type with texts for it or for its items, most of them valid. */
const anyCase = anyType.chain((type) => {
  const leaf = type.id === 'array' ? type.subType : type
  const text = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...(DUE[leaf.id] ?? [])) },
    { weight: 1, arbitrary: anyText },
  )
  return fc.record({ type: fc.constant(type), texts: fc.array(text, { minLength: 1, maxLength: 3 }) })
})

const anyLeaf: fc.Arbitrary<JsonValue> = fc.oneof(
  anyText,
  fc.integer({ min: -4, max: 4 }),
  fc.constantFrom<JsonValue>(true, false, null, 2.5, {}),
)
const anyValue: fc.Arbitrary<JsonValue> = fc.oneof(anyLeaf, fc.array(anyLeaf, { maxLength: 3 }))

/** Booleans are JSON booleans; values of all other types may be texts. */
function jsonFor({ id }: ParameterType, text: string): JsonValue {
  return id === 'boolean' ? text === 'true' : text
}

/** Output files of a task for a type: usually valid ones. */
function leftFor(
  { type, texts }: { readonly type: ParameterType; readonly texts: readonly string[] },
  odd: number,
): Left {
  if (odd === 0) return {}
  if (odd === 1) return { 'out.txt': '1' }
  const isArray = (type.id === 'array') !== (odd === 2)
  if (!isArray) return { out: texts[0] ?? '' }
  const size = odd === 3 ? texts.length + 1 : texts.length
  return {
    'out/array.yml': `size: ${size}`,
    ...Object.fromEntries(texts.map((text, index) => [`out/${index}`, text])),
  }
}

describe('a run on this machine', () => {
  it('accepts and refuses the same inputs as the service', async () => {
    const decisions = { accepted: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(anyCase, fc.option(anyValue, { freq: 3 }), async ({ type, texts }, odd) => {
        const due =
          type.id === 'array'
            ? texts.map((text) => jsonFor(type.subType, text))
            : jsonFor(type, texts[0] ?? '')
        const value = odd ?? due
        const task = aTask({ inputs: [anInput({ name: 'a', type })], outputs: [] })

        const given = { kind: 'json', value } as const
        const isAccepted = await isAcceptedHere(task, given)

        expect(isAccepted).toBe(await isAcceptedByService(task, given))
        decisions[isAccepted ? 'accepted' : 'refused'] += 1
      }),
      { numRuns: RUNS },
    )
    // Both outcomes must be frequent enough for a meaningful comparison.
    expect(Math.min(decisions.accepted, decisions.refused)).toBeGreaterThan(RUNS / 20)
  })

  it('ends with the same state and reason as in the service, for any outputs', async () => {
    const decisions: Record<string, number> = { FINISHED: 0, FAILED: 0 }
    await fc.assert(
      fc.asyncProperty(anyCase, fc.nat(15), async (given, odd) => {
        const { type } = given
        const left = leftFor(given, odd)
        const task = aTask({ inputs: [], outputs: [anOutput({ name: 'out', type })] })

        const here = await endHere(task, left)

        expect(here).toEqual(await endInService(task, left))
        decisions[here[0]] = (decisions[here[0]] ?? 0) + 1
      }),
      { numRuns: RUNS },
    )
    expect(Math.min(decisions.FINISHED ?? 0, decisions.FAILED ?? 0)).toBeGreaterThan(RUNS / 20)
  })
})
