import { describe, expect, it } from 'vitest'
import { runInputsPrefix } from '../../../src/contract/storage-keys.ts'
import { provisionArrayItem } from '../../../src/inputs/provision-array.ts'
import type { ArrayType } from '../../../src/task/parameters/array.ts'
import { anInput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { listInputs } from '../../fixtures/listed-inputs.ts'
import { findArrayItem, provisionInput } from '../../fixtures/provision-by-id.ts'

const INTEGERS: ArrayType = { id: 'array', allowMissing: false, subType: { id: 'integer' } }
const NESTED: ArrayType = { ...INTEGERS, subType: INTEGERS }

type Engine = Awaited<ReturnType<typeof anEngine>>

function aRunWith(type: ArrayType): Promise<Engine> {
  return anEngine({ task: aTask({ inputs: [anInput({ name: 'p', type })] }), run: {} })
}

async function giveItem(engine: Engine, indexes: string, value: number): Promise<void> {
  await provisionArrayItem(engine, await findArrayItem(engine, RUN_ID, 'p', indexes), value)
}

async function giveItems(engine: Engine, indexes: Iterable<number>): Promise<void> {
  for (const index of indexes) await giveItem(engine, String(index), index * 10)
}

function* range(start: number, end: number): Generator<number> {
  for (let index = start; index < end; index += 1) yield index
}

/** Number of the run's provisions, including that of the array. */
async function provisionCount(engine: Engine): Promise<number> {
  return Object.keys((await engine.runs.find(RUN_ID))?.provisions ?? {}).length
}

async function listedValues(engine: Engine): Promise<readonly number[]> {
  const [array] = await listInputs(engine, RUN_ID)
  const items = array?.value as unknown as readonly { readonly value: number }[] | undefined
  return (items ?? []).map(({ value }) => value)
}

describe('items that are provisioned one by one', () => {
  it('are folded into one object, and the array keeps its value', async () => {
    const engine = await aRunWith(INTEGERS)

    await giveItems(engine, range(0, 900))

    expect(await provisionCount(engine)).toBe(101)
    expect(await listedValues(engine)).toEqual([...range(0, 900)].map((index) => index * 10))
    expect((await engine.runs.find(RUN_ID))?.state).toBe('PROVISIONED')
  })

  it('leave no separate values of folded items', async () => {
    const engine = await aRunWith(INTEGERS)

    await giveItems(engine, range(0, 800))

    const keys: string[] = []
    for await (const { key } of engine.objects.list(runInputsPrefix(RUN_ID))) keys.push(key)
    expect(keys).toHaveLength(1)
  })

  it('may arrive in any order and repeatedly, before and after folding', async () => {
    const engine = await aRunWith(INTEGERS)

    await giveItems(engine, [...range(0, 500)].reverse())
    await giveItem(engine, '499', -1)
    await giveItem(engine, '0', -2)

    const values = await listedValues(engine)
    expect(values).toHaveLength(500)
    expect([values[0], values[1], values[499]]).toEqual([-2, 10, -1])
  })

  it('are folded into an array that was provisioned as a whole', async () => {
    const engine = await aRunWith(INTEGERS)
    await provisionInput(engine, RUN_ID, { parameterName: 'p', value: [1, 2, 3] })

    await giveItems(engine, range(2, 402))

    expect(await provisionCount(engine)).toBe(1)
    expect((await listedValues(engine)).slice(0, 4)).toEqual([1, 2, 20, 30])
  })

  it('keep their gaps in a fold', async () => {
    const engine = await aRunWith(INTEGERS)

    await giveItems(engine, range(1, 402))

    expect((await engine.runs.find(RUN_ID))?.state).toBe('CREATED')
    await giveItem(engine, '0', 0)
    expect((await engine.runs.find(RUN_ID))?.state).toBe('PROVISIONED')
    expect(await listedValues(engine)).toHaveLength(402)
  })

  it('are not folded in inner arrays', async () => {
    const engine = await aRunWith(NESTED)

    for (const index of range(0, 401)) await giveItem(engine, `0/${index}`, index)

    expect(await provisionCount(engine)).toBe(401)
  })

  it('keep their value when they arrive during a fold', async () => {
    const engine = await aRunWith(INTEGERS)
    await giveItems(engine, range(0, 399))
    const target = await findArrayItem(engine, RUN_ID, 'p', '7')
    await giveItem(engine, '399', 3990)

    await provisionArrayItem(engine, target, -1)

    expect(await provisionCount(engine)).toBe(2)
    expect((await listedValues(engine))[7]).toBe(-1)
  })

  it('all keep their values when another call changes the inputs during a fold', async () => {
    const engine = await aRunWith(INTEGERS)
    await giveItems(engine, range(0, 395))

    await Promise.all([...range(395, 450)].map((index) => giveItem(engine, String(index), index * 10)))

    expect(await listedValues(engine)).toEqual([...range(0, 450)].map((index) => index * 10))
    expect((await engine.runs.find(RUN_ID))?.state).toBe('PROVISIONED')
  })
})
