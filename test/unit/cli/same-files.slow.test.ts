import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../../../src/contract/json.ts'
import type { ParameterType } from '../../../src/task/task.ts'
import {
  endHere,
  endInService,
  type Given,
  isAcceptedByService,
  isAcceptedHere,
  type Left,
} from '../../fixtures/both-ways.ts'
import { anInput, anOutput, aTask } from '../../fixtures/builders.ts'
import { aJpeg, aPng, aTiff } from '../../fixtures/images.ts'

/** Number of inputs, and of outputs, for which a run on this machine and the service must decide alike. */
const RUNS = 200

const CONTENTS: readonly Buffer[] = [
  ...[aPng(), aPng({ width: 5, height: 5 }), aJpeg(), aTiff(), aTiff({ isBigTiff: true })],
  // Broken: a header that ends, a directory beyond the end, a frame without size.
  ...[aPng().subarray(0, 20), aTiff().subarray(0, 12), aJpeg().subarray(0, 12)],
  ...[Buffer.from('%PDF-1.4'), Buffer.from('some text'), Buffer.alloc(0)],
]
const anyContent = fc.constantFrom(...CONTENTS)

const optional = <Value>(...values: readonly Value[]) =>
  fc.option(fc.constantFrom(...values), { nil: undefined })
const limits = fc.record({
  formats: optional(['png'], ['jpeg', 'tiff'], ['pdf']),
  maxFileSizeBytes: optional(20, 10_000),
  maxWidth: optional(3, 4),
  maxHeight: optional(3, 4),
})
const fileType: fc.Arbitrary<ParameterType> = fc
  .tuple(fc.constantFrom('image', 'file'), limits)
  .map(([id, { maxWidth, maxHeight, ...shared }]) => {
    const all = id === 'image' ? { ...shared, maxWidth, maxHeight } : shared
    const given = Object.entries(all).filter(([, value]) => value !== undefined)
    return { id, ...Object.fromEntries(given) } as ParameterType
  })
const arrayOf = (subType: ParameterType): ParameterType => {
  return { id: 'array', minSize: 1, maxSize: 2, allowMissing: false, subType }
}
const nestedType = fc
  .constantFrom<ParameterType>({ id: 'integer', geq: 0 }, { id: 'boolean' }, { id: 'geometry' })
  .map((leaf) => arrayOf(arrayOf(leaf)))

const POINT = '{"type":"Point","coordinates":[1,2]}'
const leaf = fc.constantFrom<JsonValue>(1, 2, -1, true, false, POINT, '{"type":"Point"}', 'x', null)
const lists = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.array(fc.array(leaf, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 }),
  },
  { weight: 1, arbitrary: fc.array(fc.oneof(leaf, fc.array(leaf, { maxLength: 3 })), { maxLength: 3 }) },
)
/** Values that fit the innermost type. */
const dueLists = (type: ParameterType): fc.Arbitrary<JsonValue> => {
  const innermost = type.id === 'array' && type.subType.id === 'array' ? type.subType.subType.id : type.id
  const due: Readonly<Record<string, JsonValue>> = { integer: 1, boolean: true, geometry: POINT }
  const item = fc.constant<JsonValue>(due[innermost] ?? null)
  return fc.array(fc.array(item, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 })
}

const anyGiven: fc.Arbitrary<{ readonly type: ParameterType; readonly given: Given }> = fc.oneof(
  fc.record({
    type: fileType,
    given: anyContent.map((content): Given => ({ kind: 'file', content })),
  }),
  fc.record({
    type: fileType.map(arrayOf),
    given: fc
      .array(anyContent, { minLength: 1, maxLength: 3 })
      .map((contents): Given => ({ kind: 'items', contents })),
  }),
  nestedType.chain((type) =>
    fc.record({
      type: fc.constant(type),
      given: fc.oneof(lists, dueLists(type)).map((value): Given => ({ kind: 'json', value })),
    }),
  ),
  // A file for a value.
  fc.record({
    type: fc.constantFrom<ParameterType>(
      { id: 'integer' },
      { id: 'geometry' },
      { id: 'string', minLength: 0 },
    ),
    given: fc
      .oneof(anyContent, fc.constant(Buffer.from('1')))
      .map((content): Given => ({ kind: 'file', content })),
  }),
  // A value for a file.
  fc.record({ type: fileType, given: leaf.map((value): Given => ({ kind: 'json', value })) }),
)

const shown = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** Files of nested arrays as a task writes them. */
function filesOf(name: string, value: JsonValue): Left {
  if (!Array.isArray(value)) return { [name]: shown(value) }
  const items = value.flatMap((item, index) => Object.entries(filesOf(`${name}/${index}`, item)))
  return { [`${name}/array.yml`]: `size: ${value.length}`, ...Object.fromEntries(items) }
}

/** The same files without that at the position, if there is one. */
function without(left: Left, position: number): Left {
  return Object.fromEntries(Object.entries(left).filter((_, index) => index !== position))
}

const anyLeft: fc.Arbitrary<{ readonly type: ParameterType; readonly left: Left }> = fc.oneof(
  fc.record({ type: fileType, left: anyContent.map((content): Left => ({ out: content })) }),
  fc.record({
    type: fileType.map(arrayOf),
    left: fc.array(anyContent, { minLength: 1, maxLength: 3 }).map(
      (contents): Left => ({
        'out/array.yml': `size: ${contents.length}`,
        ...Object.fromEntries(contents.map((content, index) => [`out/${index}`, content])),
      }),
    ),
  }),
  nestedType.chain((type) =>
    fc.record({
      type: fc.constant(type),
      left: fc
        .tuple(fc.oneof(lists, dueLists(type)), fc.nat(20))
        .map(([value, position]): Left => without(filesOf('out', value), position)),
    }),
  ),
)

describe('a run on this machine', () => {
  it('accepts and rejects the same images, files and nested arrays as the service', async () => {
    const decisions = { accepted: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(anyGiven, async ({ type, given }) => {
        const task = aTask({ inputs: [anInput({ name: 'a', type })], outputs: [] })

        const isAccepted = await isAcceptedHere(task, given)

        expect(isAccepted).toBe(await isAcceptedByService(task, given))
        decisions[isAccepted ? 'accepted' : 'refused'] += 1
      }),
      { numRuns: RUNS },
    )
    expect(Math.min(decisions.accepted, decisions.refused)).toBeGreaterThan(RUNS / 10)
  })

  it('ends like the service for images, files and nested arrays that a task left', async () => {
    const decisions: Record<string, number> = { FINISHED: 0, FAILED: 0 }
    await fc.assert(
      fc.asyncProperty(anyLeft, async ({ type, left }) => {
        const task = aTask({ inputs: [], outputs: [anOutput({ name: 'out', type })] })

        const here = await endHere(task, left)

        expect(here).toEqual(await endInService(task, left))
        decisions[here[0]] = (decisions[here[0]] ?? 0) + 1
      }),
      { numRuns: RUNS },
    )
    expect(Math.min(decisions.FINISHED ?? 0, decisions.FAILED ?? 0)).toBeGreaterThan(RUNS / 10)
  })
})
