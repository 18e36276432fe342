import { describe, expect, it } from 'vitest'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { anInput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { listInputs } from '../../fixtures/listed-inputs.ts'
import { provisionInput, provisionInputs } from '../../fixtures/provision-by-id.ts'

const state = async (engine: Awaited<ReturnType<typeof anEngine>>) => (await engine.runs.find(RUN_ID))?.state

describe('provisioning one input', () => {
  it('makes the run PROVISIONED when the last required input has a value', async () => {
    const engine = await anEngine({ run: {} })

    await provisionInput(engine, RUN_ID, { parameterName: 'a', value: 1 })
    const halfWay = await state(engine)
    await provisionInput(engine, RUN_ID, { parameterName: 'b', value: 2 })

    expect([halfWay, await state(engine)]).toEqual(['CREATED', 'PROVISIONED'])
  })

  it('keeps the earlier value when a new one is refused', async () => {
    const engine = await anEngine({ run: {} })
    await provisionInputs(engine, RUN_ID, [
      { parameterName: 'a', value: 1 },
      { parameterName: 'b', value: 2 },
    ])

    const refused = provisionInput(engine, RUN_ID, { parameterName: 'a', value: 'many' })

    await expect(refused).rejects.toMatchObject({
      error: 'INTERNAL_PARAMETER_TYPE_ERROR',
      details: { type: 'parameter', parameterName: 'a' },
    })
    expect(await listInputs(engine, RUN_ID)).toMatchObject([{ value: 1 }, { value: 2 }])
  })

  it('returns the spelling of the descriptor', async () => {
    const engine = await anEngine({ run: {} })

    expect(await provisionInput(engine, RUN_ID, { parameterName: 'A', value: 1 })).toMatchObject({
      parameterName: 'a',
    })
  })

  it('does not store large texts in the table', async () => {
    const task = aTask({ inputs: [anInput({ name: 'text', type: { id: 'string', minLength: 0 } })] })
    const engine = await anEngine({ task, run: {} })
    const text = 'ü'.repeat(3000)

    await provisionInput(engine, RUN_ID, { parameterName: 'text', value: text })

    expect(engine.objects.keys()).toEqual([expect.stringMatching(`^task-run-inputs-${RUN_ID}/text/`)])
    expect(await listInputs(engine, RUN_ID)).toMatchObject([{ value: text }])
  })

  it.each(['QUEUING', 'RUNNING', 'FINISHED', 'FAILED'] as const)(
    'is refused for a run that is %s',
    async (now) => {
      const engine = await anEngine({ run: { state: now } })

      await expect(provisionInput(engine, RUN_ID, { parameterName: 'a', value: 1 })).rejects.toMatchObject({
        error: 'INTERNAL_INVALID_TASK_RUN_STATE',
      })
    },
  )

  it('refuses null for a required input and accepts it for an optional one', async () => {
    const task = aTask({ inputs: [anInput({ name: 'must' }), anInput({ name: 'may', optional: true })] })
    const engine = await anEngine({ task, run: {} })
    await provisionInput(engine, RUN_ID, { parameterName: 'may', value: 5 })

    const cleared = await provisionInput(engine, RUN_ID, { parameterName: 'may', value: null })

    expect(cleared).toEqual({ parameterName: 'may', value: null })
    expect((await engine.runs.find(RUN_ID))?.provisions).toEqual({ may: { kind: 'cleared' } })
    await expect(
      provisionInput(engine, RUN_ID, { parameterName: 'must', value: null }),
    ).rejects.toMatchObject({
      error: 'INTERNAL_NULL_PROVISION',
    })
  })

  it('keeps the values of 50 parallel calls', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `p${index}`)
    const task = aTask({ inputs: names.map((name) => anInput({ name })) })
    const engine = await anEngine({ task, run: {} })

    await Promise.all(
      names.map((parameterName, value) => provisionInput(engine, RUN_ID, { parameterName, value })),
    )

    expect(await state(engine)).toBe('PROVISIONED')
    expect((await listInputs(engine, RUN_ID)).map((one) => one.value)).toEqual(names.map((_, index) => index))
  })
})

describe('provisioning a batch', () => {
  it('stores nothing when one value is invalid, and reports every problem', async () => {
    const engine = await anEngine({ run: {} })

    const refused = provisionInputs(engine, RUN_ID, [
      { parameterName: 'a', value: 1 },
      { parameterName: 'b', value: 'two' },
      { parameterName: 'c', value: 3 },
    ])

    await expect(refused).rejects.toMatchObject({
      error: 'INTERNAL_GENERIC_BATCH_ERROR',
      details: {
        type: 'batch',
        errors: [{ details: { parameterName: 'b' } }, { details: { parameterName: 'c' } }],
      },
    })
    expect((await engine.runs.find(RUN_ID))?.provisions).toEqual({})
  })

  it('explains every invalid value, whether it has another type or is out of bounds', async () => {
    const engine = await anEngine({ run: {} })

    const refused = provisionInputs(engine, RUN_ID, [
      { parameterName: 'a', value: 'one' },
      { parameterName: 'b', value: null },
      { parameterName: 'c', value: 3 },
    ])

    await expect(refused).rejects.toHaveProperty(
      'explanation',
      expect.stringMatching(/^"a": "one" .*; "b": .*; "c": /u),
    )
  })

  it('leaves all inputs unchanged when a value cannot be stored', async () => {
    const engine = await anEngine({ run: {} })
    await provisionInputs(engine, RUN_ID, [
      { parameterName: 'a', value: 1 },
      { parameterName: 'b', value: 2 },
    ])
    const before = await engine.runs.find(RUN_ID)
    let stored = 0
    const putInput: typeof engine.runs.putInput = async (value) => {
      stored += 1
      if (stored === 2) throw new Error('the table is unavailable')
      await engine.runs.putInput(value)
    }

    const broken = provisionInputs({ ...engine, runs: { ...engine.runs, putInput } }, RUN_ID, [
      { parameterName: 'a', value: 3 },
      { parameterName: 'b', value: 4 },
    ])

    await expect(broken).rejects.toThrow('the table is unavailable')
    expect(await engine.runs.find(RUN_ID)).toEqual(before)
    expect(await listInputs(engine, RUN_ID)).toMatchObject([{ value: 1 }, { value: 2 }])
  })

  it('uses the last value of a repeated input, and returns each', async () => {
    const engine = await anEngine({ run: {} })

    const answers = await provisionInputs(engine, RUN_ID, [
      { parameterName: 'a', value: 1 },
      { parameterName: 'b', value: 2 },
      { parameterName: 'A', value: 3 },
    ])

    expect(answers).toEqual([
      { parameterName: 'a', value: 1 },
      { parameterName: 'b', value: 2 },
      { parameterName: 'a', value: 3 },
    ])
    expect(await listInputs(engine, RUN_ID)).toMatchObject([{ value: 3 }, { value: 2 }])
  })

  it('changes nothing when the batch is empty', async () => {
    const engine = await anEngine({ run: {} })
    const before = await engine.runs.find(RUN_ID)

    expect(await provisionInputs(engine, RUN_ID, [])).toEqual([])

    expect(await engine.runs.find(RUN_ID)).toEqual(before)
  })

  it('refuses two arrays that together exceed the space in the run’s item', async () => {
    const gaps = (name: string) =>
      anInput({ name, type: { id: 'array', allowMissing: true, subType: { id: 'boolean' } } })
    const engine = await anEngine({ task: aTask({ inputs: [gaps('one'), gaps('two')] }), run: {} })
    const value = Array.from({ length: 25_000 }, (_, index) => ({ index: index + 1, value: true }))

    const refused = provisionInputs(engine, RUN_ID, [
      { parameterName: 'one', value },
      { parameterName: 'two', value },
    ])

    await expect(refused).rejects.toMatchObject({ error: 'INTERNAL_INVALID_COLLECTION_DIMENSIONS' })
    expect((await engine.runs.find(RUN_ID))?.provisions).toEqual({})
  })
})

describe('a provisioning call', () => {
  const long = 'x'.repeat(5000)
  const losing = async (meanwhile: (engine: Awaited<ReturnType<typeof anEngine>>) => Promise<unknown>) => {
    const task = aTask({ inputs: [anInput({ name: 'text', type: { id: 'string', minLength: 0 } })] })
    const engine = await anEngine({ task, run: { state: 'PROVISIONED' } })
    const valueIds: string[] = []
    const putInput: typeof engine.runs.putInput = async (value) => {
      valueIds.push(value.valueId)
      await meanwhile(engine)
      await engine.runs.putInput(value)
    }
    const call = provisionInput({ ...engine, runs: { ...engine.runs, putInput } }, RUN_ID, {
      parameterName: 'text',
      value: long,
    })
    return { engine, call, stored: () => engine.runs.findInput(RUN_ID, 'text', valueIds[0] ?? '') }
  }

  it('is refused and leaves no value when the run starts meanwhile', async () => {
    const { engine, call, stored } = await losing(({ runs }) => runs.transition(RUN_ID, { to: 'QUEUING' }))

    await expect(call).rejects.toMatchObject({ error: 'INTERNAL_INVALID_TASK_RUN_STATE' })
    expect(await stored()).toBeUndefined()
    expect(engine.objects.keys()).toEqual([])
  })

  it('finds no run and leaves no value when the run is deleted meanwhile', async () => {
    const { engine, call, stored } = await losing((present) => deleteRun(present, RUN_ID))

    await expect(call).rejects.toMatchObject({ error: 'RUN_NOT_FOUND' })
    expect(await stored()).toBeUndefined()
    expect(engine.objects.keys()).toEqual([])
  })
})
