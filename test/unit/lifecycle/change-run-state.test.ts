import { describe, expect, it } from 'vitest'
import type { DomainError } from '../../../src/contract/errors.ts'
import { changeRunState } from '../../../src/lifecycle/change-run-state.ts'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { recordJobState } from '../../../src/lifecycle/record-job-state.ts'
import { jobNameOf } from '../../../src/run/job/job-definition.ts'
import { WorkflowUnavailableError } from '../../../src/run/run-workflow.ts'
import { isFinal, RUN_STATES } from '../../../src/run/transitions.ts'
import { anInput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { listInputs } from '../../fixtures/listed-inputs.ts'
import { provisionInput } from '../../fixtures/provision-by-id.ts'

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

  it('succeeds for exactly one of two simultaneous requests', async () => {
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

  it('starts a CREATED run when all inputs are optional or have defaults, and stores the defaults', async () => {
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

  it('starts the run with a value that was provisioned meanwhile, not with the default', async () => {
    const task = aTask({ inputs: [anInput({ name: 'preset', default: 42 })] })
    const engine = await anEngine({ task, run: { state: 'PROVISIONED' } })
    let isFirst = true
    const transition: typeof engine.runs.transition = async (runId, change) => {
      if (isFirst) {
        isFirst = false
        await provisionInput(engine, RUN_ID, { parameterName: 'preset', value: 7 })
      }
      return engine.runs.transition(runId, change)
    }

    const { run } = await changeRunState(
      { ...engine, runs: { ...engine.runs, transition } },
      RUN_ID,
      'RUNNING',
    )

    expect(run.state).toBe('QUEUING')
    expect(await listInputs(engine, RUN_ID)).toMatchObject([{ parameterName: 'preset', value: 7 }])
  })

  it('is refused when arrays stop matching meanwhile', async () => {
    const array = { id: 'array', allowMissing: false, subType: { id: 'integer' } } as const
    const task = aTask({
      inputs: [anInput({ name: 'left', type: array }), anInput({ name: 'right', type: array })],
      matchingGroups: [['inputs/left', 'inputs/right']],
    })
    const engine = await anEngine({ task, run: {} })
    for (const parameterName of ['left', 'right']) {
      await provisionInput(engine, RUN_ID, { parameterName, value: [1] })
    }
    let isFirst = true
    const transition: typeof engine.runs.transition = async (runId, change) => {
      if (isFirst) {
        isFirst = false
        await provisionInput(engine, RUN_ID, { parameterName: 'left', value: [1, 2] })
      }
      return engine.runs.transition(runId, change)
    }

    const refused = changeRunState({ ...engine, runs: { ...engine.runs, transition } }, RUN_ID, 'RUNNING')

    await expect(refused).rejects.toMatchObject({ error: 'INTERNAL_NOT_MATCHING_DIFF_SIZE' })
    expect((await engine.runs.find(RUN_ID))?.state).toBe('PROVISIONED')
  })

  it('stores no default when the run is deleted meanwhile', async () => {
    const task = aTask({
      inputs: [anInput({ name: 'preset', type: { id: 'string', minLength: 0 }, default: 'x'.repeat(5000) })],
    })
    const engine = await anEngine({ task, run: { state: 'PROVISIONED' } })
    const transition: typeof engine.runs.transition = async (runId, change) => {
      await deleteRun(engine, RUN_ID)
      return engine.runs.transition(runId, change)
    }

    const refused = changeRunState({ ...engine, runs: { ...engine.runs, transition } }, RUN_ID, 'RUNNING')

    await expect(refused).rejects.toMatchObject({ error: 'RUN_NOT_FOUND' })
    expect(engine.objects.keys()).toEqual([])
    expect([...engine.workflow.startedRuns]).toEqual([])
  })

  it('counts as started when only the response of the workflow was lost', async () => {
    const engine = await provisioned()
    const start = async (runId: string) => {
      await engine.runs.transition(runId, { to: 'QUEUED' })
      throw new Error('timed out')
    }

    const { run } = await changeRunState(
      { ...engine, workflow: { ...engine.workflow, start } },
      RUN_ID,
      'RUNNING',
    )

    expect(run.state).toBe('QUEUED')
  })

  it('leaves a run to the sweeper when Step Functions is unavailable', async () => {
    const engine = await provisioned()
    const start = () => Promise.reject(new WorkflowUnavailableError('unavailable'))

    const { run } = await changeRunState(
      { ...engine, workflow: { ...engine.workflow, start } },
      RUN_ID,
      'RUNNING',
    )

    expect(run.state).toBe('QUEUING')
    expect((await engine.runs.find(RUN_ID))?.state).toBe('QUEUING')
  })

  it('leaves no run QUEUING when Step Functions refuses the workflow', async () => {
    const engine = await provisioned()
    const workflow = { ...engine.workflow, start: () => Promise.reject(new Error('unavailable')) }

    await expect(changeRunState({ ...engine, workflow }, RUN_ID, 'RUNNING')).rejects.toThrow('unavailable')

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'FAILED',
      failure: { kind: 'engine-error' },
    })
  })
})

describe('the state action CANCELLED', () => {
  const job = { attempt: 1, jobName: 'run-1', jobId: 'job-1' }

  it.each(RUN_STATES.filter((state) => !isFinal(state)))('ends a run that is %s', async (state) => {
    const engine = await anEngine({ run: { state } })

    const { run } = await changeRunState(engine, RUN_ID, 'cancelled')

    expect(run).toMatchObject({ state: 'FAILED', failure: { kind: 'cancelled' } })
  })

  it('stops the workflow and the job, and does so again when it is repeated', async () => {
    const engine = await anEngine({ run: { state: 'RUNNING', job } })
    await engine.workflow.start(RUN_ID)
    const away = { ...engine.scheduler, terminate: () => Promise.reject(new Error('unavailable')) }
    // Without a second call, the sweeper ends the job.
    const first = await changeRunState({ ...engine, scheduler: away }, RUN_ID, 'CANCELLED')
    const ended: string[] = []
    const terminate = async (jobId: string) => void ended.push(jobId)

    const { run } = await changeRunState(
      { ...engine, scheduler: { ...engine.scheduler, terminate } },
      RUN_ID,
      'CANCELLED',
    )

    expect([first.run.failure?.kind, run.failure?.kind]).toEqual(['cancelled', 'cancelled'])
    expect(engine.problems).toEqual([`job not terminated: ${RUN_ID}`])
    expect([...engine.workflow.stoppedRuns.keys(), ...ended]).toEqual([RUN_ID, 'job-1'])
  })

  it('is refused for a run that has ended otherwise', async () => {
    const failure = { kind: 'task-failed', message: 'exit code 3' } as const
    const engine = await anEngine({ run: { state: 'FAILED', failure } })

    await expect(changeRunState(engine, RUN_ID, 'CANCELLED')).rejects.toMatchObject({
      error: 'INTERNAL_INVALID_TASK_RUN_STATE',
    })
    expect((await engine.runs.find(RUN_ID))?.failure).toEqual(failure)
  })

  it('is not changed by any late event', async () => {
    const jobName = jobNameOf(RUN_ID, 1)
    const engine = await anEngine({ run: { state: 'RUNNING', job: { ...job, jobName } } })
    await changeRunState(engine, RUN_ID, 'CANCELLED')

    for (const status of ['RUNNING', 'SUCCEEDED', 'FAILED'] as const) {
      await recordJobState(engine, { jobName, jobId: 'job-1', status, attempts: [] })
    }

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'FAILED',
      failure: { kind: 'cancelled', message: 'the run was cancelled' },
    })
  })
})

describe('other state actions', () => {
  it.each(['CREATED', 'QUEUING', 'QUEUED', 'PENDING', 'FAILED'])(
    'do not include %s, which only the engine sets',
    async (word) => {
      const engine = await provisioned()

      await expect(changeRunState(engine, RUN_ID, word)).rejects.toMatchObject({
        error: 'STATE_NOT_REQUESTABLE',
      })
    },
  )

  it.each([undefined, null, 'FLYING', 7])('do not include %s, which is not a state', async (word) => {
    const engine = await provisioned()

    await expect(changeRunState(engine, RUN_ID, word)).rejects.toMatchObject({ error: 'UNKNOWN_STATE' })
  })

  it.each(RUN_STATES)('do not include FINISHED in state %s', async (state) => {
    const engine = await anEngine({ run: { state } })

    await expect(changeRunState(engine, RUN_ID, 'FINISHED')).rejects.toMatchObject({
      error: 'INTERNAL_INVALID_TASK_RUN_STATE',
    })
  })
})

describe('the refusal of a start', () => {
  it('lists each missing or incomplete input, and the state', async () => {
    const list = { id: 'array', allowMissing: false, subType: { id: 'integer' } } as const
    const inputs = [
      anInput({ name: 'a' }),
      anInput({ name: 'list', type: { ...list, minSize: 3 } }),
      anInput({ name: 'gap', type: list }),
    ]
    const provisions = {
      list: { kind: 'value', valueId: 'v', size: 1 },
      gap: { kind: 'value', valueId: 'w', indexes: [0, 2] },
    } as const
    const engine = await anEngine({ task: aTask({ inputs }), run: { provisions } })
    const refusal = async (desired: unknown): Promise<string> =>
      changeRunState(engine, RUN_ID, desired).then(String, (error: DomainError) => JSON.stringify(error.body))

    const missing = await refusal('RUNNING')
    expect(missing).toContain(
      'not provisioned: input \\"a\\" (integer) has no value; input \\"list\\" (array) is incomplete',
    )
    expect(missing).toContain(
      'it has 1 item; expected at least 3 (min_size); input \\"gap\\" (array) is incomplete: item 1 is missing',
    )
    expect(await refusal('FLYING')).toContain('\\"FLYING\\" is not a state; expected')
    expect(await refusal(undefined)).toContain('desired is missing; expected')
    expect(await refusal('QUEUED')).toContain('\\"QUEUED\\" cannot be requested; expected')
    await engine.runs.transition(RUN_ID, { to: 'FAILED' })
    expect(await refusal('RUNNING')).toContain(
      'run is in invalid state: the run is FAILED; a run can be started once',
    )
  })
})
