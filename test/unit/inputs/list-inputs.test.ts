import { describe, expect, it } from 'vitest'
import type { ObjectStore } from '../../../src/aws/object-store.ts'
import type { JsonValue } from '../../../src/contract/json.ts'
import { findInputListing } from '../../../src/inputs/list-inputs.ts'
import { provisionArrayItem } from '../../../src/inputs/provision-array.ts'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import type { ArrayType } from '../../../src/task/parameters/array.ts'
import type { ParameterType } from '../../../src/task/task.ts'
import { anInput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { listInputs } from '../../fixtures/listed-inputs.ts'
import { findArrayItem, provisionInput } from '../../fixtures/provision-by-id.ts'

type Engine = Awaited<ReturnType<typeof anEngine>>

const TEXT: ParameterType = { id: 'string', minLength: 0 }
const TEXTS: ArrayType = { id: 'array', allowMissing: false, subType: TEXT }
const NESTED: ArrayType = { ...TEXTS, subType: TEXTS }

/** A text that makes a listing too long to be built for each call. */
const LONG = 'é"\n😀'.repeat(60_000)

const aRunWith = (type: ParameterType): Promise<Engine> =>
  anEngine({ task: aTask({ inputs: [anInput({ name: 'p', type })] }), run: {} })

const give = (engine: Engine, value: JsonValue) =>
  provisionInput(engine, RUN_ID, { parameterName: 'p', value })

const giveItem = async (engine: Engine, indexes: string, value: JsonValue) =>
  provisionArrayItem(engine, await findArrayItem(engine, RUN_ID, 'p', indexes), value)

const prepared = (engine: Engine): readonly string[] =>
  engine.objects.keys().filter((key) => key.includes('/.prepared/'))

/** The engine with a record of its reads of the bucket. */
function counted(engine: Engine) {
  const reads: string[] = []
  const objects: ObjectStore = {
    ...engine.objects,
    read: (key, range) => {
      reads.push(key)
      return engine.objects.read(key, range)
    },
  }
  return { reads, deps: { ...engine, objects } }
}

describe('the listing of inputs', () => {
  it('is built for each call when it is short', async () => {
    const engine = await aRunWith(TEXTS)
    await give(engine, ['a', 'b'])

    expect(await findInputListing(engine, RUN_ID)).toMatchObject({ kind: 'inline' })
    expect(prepared(engine)).toEqual([])
  })

  it('is stored when it is long, and built once', async () => {
    const engine = await aRunWith(TEXTS)
    await give(engine, [LONG, 'b'])
    const first = await listInputs(engine, RUN_ID)
    const { deps, reads } = counted(engine)

    const again = await findInputListing(deps, RUN_ID)

    expect(again).toMatchObject({ kind: 'object', key: prepared(engine)[0] })
    expect(reads).toEqual([])
    expect(first).toEqual([
      {
        taskRunId: RUN_ID,
        parameterName: 'p',
        type: 'ARRAY',
        value: [
          { index: 0, value: LONG },
          { index: 1, value: 'b' },
        ],
        subType: 'STRING',
      },
    ])
  })

  it('shows the newest value after a change', async () => {
    const engine = await aRunWith(TEXTS)
    await give(engine, [LONG])
    await listInputs(engine, RUN_ID)

    await giveItem(engine, '0', `${LONG}.`)

    expect(await listInputs(engine, RUN_ID)).toMatchObject([{ value: [{ value: `${LONG}.` }] }])
    expect(prepared(engine)).toHaveLength(2)
  })

  it('is removed with the run', async () => {
    const engine = await aRunWith(TEXTS)
    await give(engine, [LONG])
    await listInputs(engine, RUN_ID)

    await deleteRun(engine, RUN_ID)

    expect(engine.objects.keys()).toEqual([])
  })

  it('is removed when the run is deleted while it is built', async () => {
    const engine = await aRunWith(TEXTS)
    await give(engine, [LONG])
    const objects: ObjectStore = {
      ...engine.objects,
      write: async (...call) => {
        await deleteRun(engine, RUN_ID)
        return engine.objects.write(...call)
      },
    }

    await expect(findInputListing({ ...engine, objects }, RUN_ID)).rejects.toMatchObject({
      error: 'RUN_NOT_FOUND',
    })
    expect(engine.objects.keys()).toEqual([])
  })

  it('streams a long string unchanged', async () => {
    const value = `\ufeff ${LONG} `
    const engine = await aRunWith(TEXT)
    await give(engine, value)

    expect(await listInputs(engine, RUN_ID)).toMatchObject([{ type: 'STRING', value }])
  })

  it('shows only the start of a string above 1 MiB, and reads no more of it', async () => {
    const engine = await aRunWith(TEXT)
    await give(engine, `naïve ${'é'.repeat(1024 * 1024)}`)

    expect(await listInputs(engine, RUN_ID)).toEqual([
      {
        taskRunId: RUN_ID,
        parameterName: 'p',
        type: 'STRING',
        value: `naïve ${'é'.repeat(94)}…`,
        truncated: true,
        sizeBytes: 2 * 1024 * 1024 + 7,
        href: `task-runs/${RUN_ID}/input/p`,
      },
    ])
  })

  it('reads in one pass an array that was provisioned as a whole', async () => {
    const items = Array.from({ length: 5000 }, (_, index) => `${index}`.padStart(40, 'é'))
    const engine = await aRunWith(TEXTS)
    await give(engine, items)
    const { deps, reads } = counted(engine)

    const [listed] = await listInputs(deps, RUN_ID)

    expect(listed?.value).toEqual(items.map((value, index) => ({ index, value })))
    // Reads of the zip's end and directory, of several windows of growing size, and of the listing itself.
    expect(reads.length).toBeLessThan(12)
  })

  it('merges single items into the whole array, at any depth', async () => {
    const engine = await aRunWith(NESTED)
    await give(engine, [['a', 'b'], [LONG]])
    await giveItem(engine, '1/0', `${'x'.repeat(5000)}`)
    await giveItem(engine, '1/1', 'y')
    await giveItem(engine, '2', ['z'])

    const texts = (...values: readonly string[]) => ({
      value: values.map((value, index) => ({ index, value })),
    })
    expect(await listInputs(engine, RUN_ID)).toMatchObject([
      { value: [texts('a', 'b'), texts('x'.repeat(5000), 'y'), texts('z')], subType: 'ARRAY' },
    ])
  })
})
