import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../../../src/contract/json.ts'
import { provisionArrayItem, provisionArrayItemFile } from '../../../src/inputs/provision-array.ts'
import { listInputEntries } from '../../../src/inputs/read-inputs.ts'
import { changeRunState } from '../../../src/lifecycle/change-run-state.ts'
import { findRunAndTask } from '../../../src/run/find-run.ts'
import type { ArrayType } from '../../../src/task/parameters/array.ts'
import type { ParameterType } from '../../../src/task/task.ts'
import { anInput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { aDicomZip, aPng } from '../../fixtures/images.ts'
import { listInputs } from '../../fixtures/listed-inputs.ts'
import { findArrayItem, provisionInput, provisionInputs } from '../../fixtures/provision-by-id.ts'
import { aSentValue } from '../../fixtures/sent-value.ts'

const INTEGERS: ArrayType = { id: 'array', allowMissing: false, subType: { id: 'integer' } }
const IMAGES: ArrayType = { ...INTEGERS, subType: { id: 'image' } }
const nested = (subType: ParameterType): ArrayType => ({ ...INTEGERS, subType })

type Engine = Awaited<ReturnType<typeof anEngine>>

/** A run of a task with one array input `p`. */
function aRunWith(type: ArrayType, more: { readonly optional?: boolean } = {}): Promise<Engine> {
  return anEngine({ task: aTask({ inputs: [anInput({ name: 'p', type, ...more })] }), run: {} })
}

const giveWhole = (engine: Engine, value: JsonValue) =>
  provisionInput(engine, RUN_ID, { parameterName: 'p', value })

async function giveItem(engine: Engine, indexes: string, value: JsonValue): Promise<void> {
  await provisionArrayItem(engine, await findArrayItem(engine, RUN_ID, 'p', indexes), value)
}

async function giveImage(engine: Engine, indexes: string, value: Uint8Array, companion?: Uint8Array) {
  const target = await findArrayItem(engine, RUN_ID, 'p', indexes)
  await provisionArrayItemFile(engine, target, aSentValue(engine, value, companion))
}

const state = async (engine: Engine) => (await engine.runs.find(RUN_ID))?.state

/** Values of the array in the listing, as nested lists. */
async function listedValue(engine: Engine): Promise<unknown> {
  const plain = (items: unknown): unknown =>
    Array.isArray(items) ? items.map((one: { readonly value: unknown }) => plain(one.value)) : items
  return plain((await listInputs(engine, RUN_ID))[0]?.value)
}

const names = async (engine: Engine) =>
  (await listInputEntries(engine, await findRunAndTask(engine, RUN_ID))).map(({ name }) => name).sort()

describe('an array', () => {
  it('makes the run PROVISIONED when it is provisioned as a whole, and is listed', async () => {
    const engine = await aRunWith(INTEGERS)

    const answer = await giveWhole(engine, [5, 6])

    expect(answer).toEqual({ parameterName: 'p', value: [5, 6] })
    expect(await state(engine)).toBe('PROVISIONED')
    expect(await listInputs(engine, RUN_ID)).toEqual([
      {
        taskRunId: RUN_ID,
        parameterName: 'p',
        type: 'ARRAY',
        value: [
          { index: 0, value: 5 },
          { index: 1, value: 6 },
        ],
        subType: 'INTEGER',
      },
    ])
  })

  it.each([
    ['leaves', INTEGERS, 'INTEGER'],
    ['arrays', nested(INTEGERS), 'ARRAY'],
  ])('of %s may be empty', async (_, type, subType) => {
    const engine = await aRunWith(type)

    await giveWhole(engine, [])

    expect(await listInputs(engine, RUN_ID)).toMatchObject([{ value: [], subType }])
    expect(await names(engine)).toEqual(['p/array.yml'])
  })

  it('keeps its earlier value when a new one is refused', async () => {
    const engine = await aRunWith(INTEGERS)
    await giveWhole(engine, [5])

    await expect(giveWhole(engine, [1, 'two'])).rejects.toMatchObject({
      error: 'INTERNAL_PARAMETER_TYPE_ERROR',
      details: { type: 'parameter', parameterName: 'p' },
    })
    await expect(giveWhole(engine, null)).rejects.toMatchObject({ error: 'INTERNAL_NULL_PROVISION' })

    expect(await listedValue(engine)).toEqual([5])
  })

  it('is replaced when it is provisioned again', async () => {
    const engine = await aRunWith(INTEGERS)
    await giveWhole(engine, [5, 6, 7])

    await giveWhole(engine, [8])

    expect(await listedValue(engine)).toEqual([8])
    expect(await names(engine)).toEqual(['p/0', 'p/array.yml'])
  })

  it('replaces items when it is provisioned as a whole, and can then be changed by items', async () => {
    const engine = await aRunWith(INTEGERS)
    for (const index of ['0', '1', '2']) await giveItem(engine, index, 1)

    await giveWhole(engine, [5, 6])
    const replaced = await listedValue(engine)
    await giveItem(engine, '1', 7)
    await giveItem(engine, '2', 8)

    expect(replaced).toEqual([5, 6])
    expect(await listedValue(engine)).toEqual([5, 7, 8])
  })

  it('accepts items after it was cleared, without the earlier ones', async () => {
    const engine = await aRunWith(INTEGERS, { optional: true })
    await giveWhole(engine, [5])
    await giveWhole(engine, null)
    await giveItem(engine, '0', 1)
    const first = await listedValue(engine)
    await giveWhole(engine, null)
    const cleared = await listInputs(engine, RUN_ID)
    await giveItem(engine, '0', 2)

    expect([first, cleared, await listedValue(engine)]).toEqual([[1], [], [2]])
  })

  it('can be provisioned in a batch with other inputs', async () => {
    const inputs = [anInput({ name: 'p', type: INTEGERS }), anInput({ name: 'q', type: IMAGES })]
    const engine = await anEngine({ task: aTask({ inputs }), run: {} })

    const refused = provisionInputs(engine, RUN_ID, [
      { parameterName: 'P', value: [1, [2]] },
      { parameterName: 'q', value: ['x'] },
    ])
    await expect(refused).rejects.toMatchObject({
      error: 'INTERNAL_GENERIC_BATCH_ERROR',
      details: {
        errors: [
          { errorCode: 'APPE-internal-invalid-structure', details: { parameterName: 'P' } },
          { message: 'invalid parameter type', details: { parameterName: 'q' } },
        ],
      },
    })

    expect(await provisionInputs(engine, RUN_ID, [{ parameterName: 'P', value: [3] }])).toEqual([
      { parameterName: 'p', value: [3] },
    ])
  })

  it('is refused with an explanation when it has more gaps than a run can store', async () => {
    const engine = await aRunWith({ ...INTEGERS, allowMissing: true })
    const gapped = Array.from({ length: 50_000 }, (_, index) => ({ index: 2 * index, value: 1 }))

    await expect(giveWhole(engine, gapped)).rejects.toMatchObject({
      error: 'INTERNAL_INVALID_COLLECTION_DIMENSIONS',
      message: expect.stringContaining('an item for each index'),
    })
  })
})

describe('items of an array', () => {
  it('may arrive in any order; the run is PROVISIONED if there is no gap', async () => {
    const engine = await aRunWith(INTEGERS)
    const states: unknown[] = []

    for (const index of ['0', '2', '1', '2']) {
      await giveItem(engine, index, Number(index) * 10)
      states.push(await state(engine))
    }

    expect(states).toEqual(['PROVISIONED', 'CREATED', 'PROVISIONED', 'PROVISIONED'])
    expect(await listedValue(engine)).toEqual([0, 10, 20])
  })

  it('are all stored when 50 of them arrive in parallel', async () => {
    const engine = await aRunWith({ ...INTEGERS, minSize: 50 })
    const indexes = Array.from({ length: 50 }, (_, index) => index)

    await Promise.all(indexes.map((index) => giveItem(engine, String(index), index)))

    expect(await state(engine)).toBe('PROVISIONED')
    expect(await listedValue(engine)).toEqual(indexes)
  })

  it('may skip indexes if the type allows it', async () => {
    const engine = await aRunWith({ ...INTEGERS, allowMissing: true })

    await giveItem(engine, '1000000', 5)

    expect(await listInputs(engine, RUN_ID)).toMatchObject([{ value: [{ index: 1_000_000, value: 5 }] }])
  })

  it.each<[string, ParameterType, JsonValue]>([
    ['texts', { id: 'string', minLength: 0 }, 'no JSON'],
    ['texts of an enumeration', { id: 'enumeration', values: ['a b'] }, 'a b'],
    ['times', { id: 'datetime' }, '2024-01-01T00:00:00Z'],
    ['booleans', { id: 'boolean' }, false],
    ['NaN', { id: 'number', infinityAllowed: false, nanAllowed: true }, 'NaN'],
  ])('are checked against their own type: %s', async (_, subType, value) => {
    const engine = await aRunWith(nested(subType))

    await giveItem(engine, '0', value)

    expect(await listedValue(engine)).toEqual([value])
  })

  it('are stored in S3 when they are large geometries', async () => {
    const engine = await aRunWith(nested({ id: 'geometry' }))
    const line = Array.from({ length: 2000 }, (_, index) => [index, index])
    const geometry = JSON.stringify({ type: 'LineString', coordinates: line })

    await giveItem(engine, '0', geometry)

    expect(engine.objects.keys()).toHaveLength(1)
    expect(await listedValue(engine)).toEqual([geometry])
  })

  it.each<[string, string | undefined, JsonValue, ArrayType, string]>([
    ['no index', undefined, 1, INTEGERS, 'INTERNAL_INVALID_INDEXES_PATTERN'],
    ['an empty index', '', 1, INTEGERS, 'INTERNAL_INVALID_INDEXES_PATTERN'],
    ['leading zeros', '007', 1, INTEGERS, 'INTERNAL_INVALID_INDEXES_PATTERN'],
    [
      'an index that is too large for a number',
      '9007199254740991',
      1,
      INTEGERS,
      'INTERNAL_INVALID_INDEXES_PATTERN',
    ],
    ['a path that is too deep', '0/0', 1, INTEGERS, 'INTERNAL_WRONG_PROVISION_STRUCTURE'],
    ['a leaf for a sub-array', '0', 1, nested(INTEGERS), 'INTERNAL_WRONG_PROVISION_STRUCTURE'],
    ['a list for a leaf', '0', [1], INTEGERS, 'INTERNAL_WRONG_PROVISION_STRUCTURE'],
    [
      'an index beyond the size',
      '2',
      1,
      { ...INTEGERS, maxSize: 2 },
      'INTERNAL_INVALID_COLLECTION_DIMENSIONS',
    ],
    [
      'an inner index beyond the size',
      '5/2',
      1,
      nested({ ...INTEGERS, maxSize: 2 }),
      'INTERNAL_INVALID_COLLECTION_DIMENSIONS',
    ],
    ['null for a number', '0', null, INTEGERS, 'INTERNAL_NULL_PROVISION'],
    ['null for an image', '0', null, IMAGES, 'INTERNAL_PARAMETER_TYPE_ERROR'],
    ['null for a sub-array', '0', null, nested(INTEGERS), 'INTERNAL_NULL_PROVISION'],
    ['JSON for an image', '0', '/tmp/x', IMAGES, 'INTERNAL_PARAMETER_TYPE_ERROR'],
    ['another kind of value', '0', 'x', INTEGERS, 'INTERNAL_PARAMETER_TYPE_ERROR'],
    [
      'a value out of bounds',
      '0',
      5,
      nested({ id: 'integer', lt: 5 }),
      'INTERNAL_PARAMETER_LT_VALIDATION_ERROR',
    ],
  ])('are refused with %s', async (_, indexes, value, type, error) => {
    const engine = await aRunWith(type)

    const refused = findArrayItem(engine, RUN_ID, 'p', indexes).then((target) =>
      provisionArrayItem(engine, target, value),
    )

    await expect(refused).rejects.toMatchObject({ error, details: { parameterName: 'p' } })
    expect((await engine.runs.find(RUN_ID))?.provisions).toEqual({})
  })

  it('are refused for unknown inputs, for other types, and after the run has started', async () => {
    const inputs = [anInput({ name: 'a' }), anInput({ name: 'p', type: INTEGERS })]
    const engine = await anEngine({ task: aTask({ inputs }), run: {} })
    const running = await anEngine({ task: aTask({ inputs }), run: { state: 'RUNNING' } })

    await expect(findArrayItem(engine, RUN_ID, 'x', '0')).rejects.toMatchObject({
      error: 'INTERNAL_PARAMETER_DOES_NOT_EXIST',
    })
    await expect(findArrayItem(engine, RUN_ID, 'a', '0')).rejects.toMatchObject({
      error: 'INTERNAL_PARAMETER_TYPE_ERROR',
    })
    await expect(findArrayItem(running, RUN_ID, 'p', '0')).rejects.toMatchObject({
      error: 'INTERNAL_INVALID_TASK_RUN_STATE',
    })
  })

  it('are stored under the parameter name as the descriptor spells it', async () => {
    const engine = await aRunWith(INTEGERS)

    const target = await findArrayItem(engine, RUN_ID, 'P', '0')
    await provisionArrayItem(engine, target, 5)

    expect(target.input.name).toBe('p')
    expect(await listedValue(engine)).toEqual([5])
  })

  it('are refused when the run’s DynamoDB item is full, unlike the whole array', async () => {
    const engine = await aRunWith(INTEGERS)
    const provisions = Object.fromEntries(
      Array.from({ length: 3000 }, (_, index) => [
        `p/${index}`,
        { kind: 'value', valueId: 'v', base: 'none' } as const,
      ]),
    )
    const full = await anEngine({ task: engine.task, run: { provisions } })

    await expect(findArrayItem(full, RUN_ID, 'p', '3000')).rejects.toMatchObject({
      error: 'INTERNAL_INVALID_COLLECTION_DIMENSIONS',
      message: expect.stringContaining('whole'),
      details: { type: 'parameter', parameterName: 'p' },
    })
    await giveWhole(full, Array(5000).fill(1))

    expect(await listedValue(full)).toHaveLength(5000)
  })
})

describe('items of arrays in arrays', () => {
  it('may be leaves or sub-arrays', async () => {
    const engine = await aRunWith(nested(INTEGERS))
    await giveItem(engine, '0/1', 2)
    await giveItem(engine, '0/0', 1)
    await giveItem(engine, '1', [3, 4])

    expect(await listedValue(engine)).toEqual([
      [1, 2],
      [3, 4],
    ])
    expect(await state(engine)).toBe('PROVISIONED')
  })

  it('change a sub-array, and are replaced when it is provisioned again', async () => {
    const engine = await aRunWith(nested(INTEGERS))
    await giveItem(engine, '0/0', 1)
    await giveItem(engine, '0', [5, 6])
    const whole = await listedValue(engine)
    await giveItem(engine, '0/2', 7)
    const edited = await listedValue(engine)
    await giveItem(engine, '0', [8])

    expect([whole, edited, await listedValue(engine)]).toEqual([[[5, 6]], [[5, 6, 7]], [[8]]])
  })

  it('change a whole array, which is incomplete while they leave a gap', async () => {
    const engine = await aRunWith(nested(INTEGERS))
    await giveWhole(engine, [[1], [2, 3]])

    await giveItem(engine, '1/3', 5)
    const withGap = await state(engine)
    await giveItem(engine, '1/2', 4)

    expect([withGap, await state(engine)]).toEqual(['CREATED', 'PROVISIONED'])
    expect(await listedValue(engine)).toEqual([[1], [2, 3, 4, 5]])
  })

  it('may be empty lists', async () => {
    const engine = await aRunWith(nested(INTEGERS))

    await giveItem(engine, '0', [])

    expect(await listedValue(engine)).toEqual([[]])
  })

  it('are stored three levels deep', async () => {
    const engine = await aRunWith(nested(nested(INTEGERS)))
    await giveWhole(engine, [[[1]], [[2], [3]]])

    await giveItem(engine, '1/1/1', 4)

    expect(await listedValue(engine)).toEqual([[[1]], [[2], [3, 4]]])
    expect(await names(engine)).toContain('p/1/1/array.yml')
  })
})

describe('images of an array', () => {
  it('are listed without a value, with their companions', async () => {
    const engine = await aRunWith(IMAGES)
    await giveImage(engine, '0', aPng(), Buffer.from('{"type":"Point"}'))
    await giveImage(engine, '1', aPng())

    expect(await listInputs(engine, RUN_ID)).toMatchObject([
      { value: [{ index: 0 }, { index: 1 }], subType: 'IMAGE' },
    ])
    expect(await names(engine)).toEqual(['p/0', 'p/0.geojson', 'p/1', 'p/array.yml'])
  })

  it('lose their companion when they are provisioned again without one', async () => {
    const engine = await aRunWith(IMAGES)
    await giveImage(engine, '0', aPng(), Buffer.from('{}'))

    await giveImage(engine, '0', aPng())

    expect(await names(engine)).toEqual(['p/0', 'p/array.yml'])
  })

  it('may be DICOM folders, also in nested arrays', async () => {
    const engine = await aRunWith(nested(IMAGES))

    await giveImage(engine, '0/0', await aDicomZip())
    await giveImage(engine, '0/1', aPng())

    expect(await names(engine)).toEqual([
      'p/0/0/slide/label.dcm',
      'p/0/0/slide/volume.dcm',
      'p/0/1',
      'p/0/array.yml',
      'p/array.yml',
    ])
    expect(await listInputs(engine, RUN_ID)).toMatchObject([
      { value: [{ index: 0, value: [{ index: 0 }, { index: 1 }] }] },
    ])
  })

  it('cannot be given for sub-arrays or integers', async () => {
    const images = await aRunWith(nested(IMAGES))
    const integers = await aRunWith(INTEGERS)

    for (const engine of [images, integers]) {
      await expect(giveImage(engine, '0', aPng())).rejects.toMatchObject({
        error: 'INTERNAL_PARAMETER_TYPE_ERROR',
        details: { parameterName: 'p' },
      })
    }
  })
})

describe('starting a run with arrays', () => {
  it('is refused while matching arrays differ, and the run stays PROVISIONED', async () => {
    const inputs = ['p', 'q'].map((name) => anInput({ name, type: INTEGERS }))
    const task = aTask({ inputs, matchingGroups: [['inputs/p', 'inputs/q']] })
    const engine = await anEngine({ task, run: {} })
    await giveWhole(engine, [1, 2])
    await provisionInput(engine, RUN_ID, { parameterName: 'q', value: [1] })

    await expect(changeRunState(engine, RUN_ID, 'RUNNING')).rejects.toMatchObject({
      error: 'INTERNAL_NOT_MATCHING_DIFF_SIZE',
      details: { type: 'parameter', parameterName: 'q' },
    })
    expect(await state(engine)).toBe('PROVISIONED')

    await provisionArrayItem(engine, await findArrayItem(engine, RUN_ID, 'q', '1'), 2)
    expect((await changeRunState(engine, RUN_ID, 'RUNNING')).run.state).toBe('QUEUING')
  })
})
