import { describe, expect, it } from 'vitest'
import { RUN_STATES } from '../../../src/domain/run/transitions.ts'
import { changeRunState } from '../../../src/use-cases/change-run-state.ts'
import { provisionInput } from '../../../src/use-cases/provision-input.ts'
import { listInputs } from '../../../src/use-cases/read-run-values.ts'
import { anInput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

const provisioned = async () => {
  const engine = await anEngine({ run: {} })
  for (const parameterName of ['a', 'b']) await provisionInput(engine, RUN_ID, { parameterName, value: 1 })
  return engine
}

describe('the state action RUNNING', () => {
  it('starts the workflow of a provisioned run', async () => {
    const engine = await provisioned()

    const { run } = await changeRunState(engine, RUN_ID, 'RUNNING')

    expect(run.state).toBe('QUEUING')
    expect([...engine.workflow.startedRuns]).toEqual([RUN_ID])
  })

  it('is won by exactly one of two simultaneous requests', async () => {
    const engine = await provisioned()

    const answers = await Promise.allSettled([
      changeRunState(engine, RUN_ID, 'RUNNING'),
      changeRunState(engine, RUN_ID, 'running'),
    ])

    expect(answers.map((answer) => answer.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(answers.find((answer) => answer.status === 'rejected')?.reason).toMatchObject({
      error: 'INTERNAL_INVALID_TASK_RUN_STATE',
    })
  })

  it('is refused while inputs are missing', async () => {
    const engine = await anEngine({ run: {} })

    await expect(changeRunState(engine, RUN_ID, 'RUNNING')).rejects.toMatchObject({
      error: 'INTERNAL_NOT_PROVISIONED',
    })
    expect((await engine.runs.find(RUN_ID))?.state).toBe('CREATED')
  })

  it('starts a CREATED run at once when all inputs are optional or have defaults, and writes the defaults', async () => {
    const task = aTask({
      inputs: [anInput({ name: 'preset', default: 42 }), anInput({ name: 'maybe', optional: true })],
    })
    const engine = await anEngine({ task, run: {} })

    await changeRunState(engine, RUN_ID, 'RUNNING')

    expect(await listInputs(engine, RUN_ID)).toMatchObject([{ parameterName: 'preset', value: 42 }])
  })

  it('does not apply the default of an input that was cleared', async () => {
    const task = aTask({ inputs: [anInput({ name: 'preset', optional: true, default: 42 })] })
    const engine = await anEngine({ task, run: {} })
    await provisionInput(engine, RUN_ID, { parameterName: 'preset', value: null })

    await changeRunState(engine, RUN_ID, 'RUNNING')

    expect(await listInputs(engine, RUN_ID)).toEqual([])
  })

  it('leaves no run QUEUING when the workflow cannot be started', async () => {
    const engine = await provisioned()
    const workflow = { ...engine.workflow, start: () => Promise.reject(new Error('away')) }

    await expect(changeRunState({ ...engine, workflow }, RUN_ID, 'RUNNING')).rejects.toThrow('away')

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'FAILED',
      failure: { kind: 'engine-error' },
    })
  })
})

describe('other state actions', () => {
  it.each(['CREATED', 'QUEUING', 'QUEUED', 'PENDING', 'FAILED'])(
    '%s is for the engine alone',
    async (word) => {
      const engine = await provisioned()

      await expect(changeRunState(engine, RUN_ID, word)).rejects.toMatchObject({
        error: 'STATE_NOT_REQUESTABLE',
      })
    },
  )

  it.each([undefined, null, 'FLYING', 7])('%s is no state', async (word) => {
    const engine = await provisioned()

    await expect(changeRunState(engine, RUN_ID, word)).rejects.toMatchObject({ error: 'UNKNOWN_STATE' })
  })

  it.each(RUN_STATES)('FINISHED cannot be declared in state %s', async (state) => {
    const engine = await anEngine({ run: { state } })

    await expect(changeRunState(engine, RUN_ID, 'FINISHED')).rejects.toMatchObject({
      error: 'INTERNAL_INVALID_TASK_RUN_STATE',
    })
  })
})
