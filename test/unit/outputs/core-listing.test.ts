import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../../../src/contract/json.ts'
import { readableEntries } from '../../../src/outputs/core-listing.ts'
import { readAll } from '../../../src/shared/read-all.ts'
import type { ParameterType } from '../../../src/task/task.ts'
import { anOutput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

const OUTPUTS = `task-run-outputs-${RUN_ID}/1-1/`
const TYPED = 'application/json, application/*+json'

const KLASS: ParameterType = { id: 'enumeration', values: ['A', 'B'] }
const listOf = (subType: ParameterType): ParameterType => ({ id: 'array', allowMissing: false, subType })

interface Listed {
  readonly name: string
  readonly type: ParameterType
  readonly value: JsonValue
}

const item = (value?: JsonValue) => [value === undefined ? { index: 0 } : { index: 0, value }]
const inner = (subType: string, value: JsonValue) => [
  { index: 0, taskRunId: RUN_ID, parameterName: 'x/0', type: 'ARRAY', value, subType },
]

const READABLE: readonly Listed[] = [
  { name: 'flag', type: { id: 'boolean' }, value: true },
  { name: 'count', type: { id: 'integer' }, value: 2 ** 31 - 1 },
  { name: 'low', type: { id: 'integer' }, value: -(2 ** 31) },
  { name: 'score', type: { id: 'number', infinityAllowed: false, nanAllowed: true }, value: 'NaN' },
  { name: 'words', type: { id: 'string', minLength: 0 }, value: '"],[{"parameterName":"mask"' },
  { name: 'klass', type: KLASS, value: 'A' },
  { name: 'when', type: { id: 'datetime' }, value: '2026-01-01T00:00:00Z' },
  { name: 'shape', type: { id: 'geometry' }, value: '{"type":"Point","coordinates":[1,2]}' },
  { name: 'shapes', type: listOf({ id: 'geometry' }), value: item('{"type":"Point","coordinates":[1,2]}') },
  { name: 'large_items', type: listOf({ id: 'integer' }), value: item(2 ** 40) },
  { name: 'no_masks', type: listOf({ id: 'image' }), value: [] },
  { name: 'table', type: listOf(listOf({ id: 'integer' })), value: inner('INTEGER', item(1)) },
]
const UNREADABLE: readonly Listed[] = [
  { name: 'mask', type: { id: 'image' }, value: null },
  { name: 'model', type: { id: 'file' }, value: null },
  { name: 'large', type: { id: 'integer' }, value: 2 ** 31 },
  { name: 'masks', type: listOf({ id: 'image' }), value: item() },
  { name: 'models', type: listOf({ id: 'file' }), value: item() },
  { name: 'klasses', type: listOf(KLASS), value: item('A') },
  { name: 'tiles', type: listOf(listOf({ id: 'image' })), value: inner('IMAGE', item()) },
]

/** A FINISHED run with these outputs, and its listings for an `Accept` header. */
async function finished(outputs: readonly Listed[]) {
  const engine = await anEngine({
    task: aTask({ outputs: outputs.map(({ name, type }) => anOutput({ name, type })) }),
    run: { state: 'FINISHED', outputsPrefix: OUTPUTS },
  })
  const listing = outputs.map(({ name, type, value }) => {
    const listed = { taskRunId: RUN_ID, parameterName: name, type: type.id.toUpperCase(), value }
    return type.id === 'array' ? { ...listed, subType: type.subType.id.toUpperCase() } : listed
  })
  await engine.objects.put(`${OUTPUTS}outputs.json`, JSON.stringify(listing))
  for (const { name, value } of outputs) await engine.objects.put(`${OUTPUTS}${name}`, String(value))
  const app = createCheckedApp(engine)
  const names = async (accept?: string) => {
    const headers = accept === undefined ? {} : { accept }
    const answer = await app.fetch(`/app-engine/v1/task-runs/${RUN_ID}/outputs`, { headers })
    return ((await answer.json()) as { parameterName: string }[]).map(({ parameterName }) => parameterName)
  }
  return { ...engine, names }
}

const namesOf = (outputs: readonly Listed[]) => outputs.map(({ name }) => name)

describe("core's typed request for outputs", () => {
  const all = [...UNREADABLE, ...READABLE, ...UNREADABLE.map((one) => ({ ...one, name: `${one.name}_2` }))]

  it('returns the values of types that core has a record for, in the order of the descriptor', async () => {
    const { names } = await finished(all)

    expect(await names(TYPED)).toEqual(namesOf(READABLE))
  })

  it.each([
    ['without blanks', 'application/json,application/*+json'],
    ['in capitals', 'Application/JSON,  application/*+JSON '],
  ])('is recognised by its Accept header, also %s', async (_, accept) => {
    const { names } = await finished(all)

    expect(await names(accept)).toEqual(namesOf(READABLE))
  })

  it.each([
    undefined,
    '*/*',
    'application/json',
    'application/*+json, application/json',
    'application/json, application/*+json, */*',
    'text/plain, application/json, application/*+json, */*',
    'application/json, application/*+json;q=0.9',
  ])('is not assumed for Accept: %s', async (accept) => {
    const { names } = await finished(all)

    expect(await names(accept)).toEqual(namesOf(all))
  })

  it('is redirected to a long listing in the bucket, which is built once', async () => {
    const many = Array.from({ length: 5000 }, () => '{"type":"Point","coordinates":[1.5,2.5]}')
    const shapes = {
      name: 'many',
      type: listOf({ id: 'geometry' }),
      value: many.map((value, index) => ({ index, value })),
    }
    const { names, objects } = await finished([...UNREADABLE, shapes as Listed])

    expect(await names(TYPED)).toEqual(['many'])
    const keys = objects.keys()
    expect(await names(TYPED)).toEqual(['many'])
    expect(objects.keys()).toEqual(keys)
  })
})

describe('the selected entries of a list', () => {
  it('are those of the parsed list, however the text is divided into chunks', async () => {
    const entries = fc.array(fc.record({ parameterName: fc.constantFrom('a', 'b'), value: fc.jsonValue() }))
    await fc.assert(
      fc.asyncProperty(entries, fc.integer({ min: 1, max: 50 }), async (list, chunkBytes) => {
        const bytes = Buffer.from(JSON.stringify(list))
        async function* chunks() {
          for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
        }
        const isWanted = (head: string): boolean => head.startsWith('{"parameterName":"a"')

        const kept = await readAll(readableEntries(chunks(), isWanted))

        const wanted = list.filter(({ parameterName }) => parameterName === 'a')
        expect(kept.toString('utf8')).toBe(JSON.stringify(wanted))
      }),
    )
  })
})
