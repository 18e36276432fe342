import { describe, expect, it } from 'vitest'
import { findArrayItem, provisionArrayItem } from '../../../src/inputs/provision-array.ts'
import { provisionInput } from '../../../src/inputs/provision-input.ts'
import { changeRunState } from '../../../src/lifecycle/change-run-state.ts'
import { completeDeletion, deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { collectOutputs } from '../../../src/outputs/collect-outputs.ts'
import { findOutputListing } from '../../../src/outputs/read-outputs.ts'
import { findRunAndTask } from '../../../src/run/find-run.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { aReusingEngine, type Inputs, REUSABLE_TASK } from '../../fixtures/reuse.ts'

const SLIDE: Inputs = { a: 1, slide: 'bytes of a slide', companion: 'where it was cut out' }

/** A listing that fails at once. */
function failingList(): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('unavailable')) }) }
}

describe('a run that reuses', () => {
  it('is FINISHED at once with the outputs of an equal run, and starts nothing', async () => {
    const engine = await aReusingEngine()
    const first = await engine.aFinishedRun(SLIDE, { sum: '42', text: 'the outcome' })
    const second = await engine.aProvisionedRun(SLIDE)

    const run = await engine.start(second.id)

    expect(run).toMatchObject({ state: 'FINISHED', reusedFrom: first.id })
    expect(run.job).toBeUndefined()
    expect([...engine.workflow.startedRuns]).toEqual([first.id])
    const listing = await findOutputListing(engine, second.id)
    expect(JSON.parse(engine.objects.text('key' in listing ? listing.key : '') ?? '')).toEqual([
      { taskRunId: second.id, parameterName: 'sum', type: 'INTEGER', value: 42 },
      { taskRunId: second.id, parameterName: 'text', type: 'STRING', value: 'the outcome' },
    ])
  })

  it.each<readonly [what: string, inputs: Inputs]>([
    ['a byte of a file', { ...SLIDE, slide: 'Bytes of a slide' }],
    ['a byte of its companion', { ...SLIDE, companion: 'where it was cut off' }],
    ['the companion', { a: 1, slide: 'bytes of a slide' }],
    ['a value', { ...SLIDE, a: 2 }],
    ['an optional input', { ...SLIDE, list: [] }],
  ])('is executed when it differs by %s', async (_, inputs) => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun(SLIDE)
    const { id } = await engine.aProvisionedRun(inputs)

    const run = await engine.start(id)

    expect(run).toMatchObject({ state: 'QUEUING', notReused: { reason: 'no-equal-run' } })
    expect(run.reusedFrom).toBeUndefined()
    expect(engine.workflow.startedRuns.has(id)).toBe(true)
  })

  it('is executed if reuse was not requested', async () => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun()
    const { id } = await engine.aProvisionedRun()

    const run = await engine.start(id, false)

    expect(run.state).toBe('QUEUING')
    expect(run.notReused).toBeUndefined()
  })

  it('is executed while the equal run is being executed', async () => {
    const engine = await aReusingEngine()
    const [first, second] = [await engine.aProvisionedRun(), await engine.aProvisionedRun()]

    expect((await engine.start(first.id)).state).toBe('QUEUING')
    expect((await engine.start(second.id)).state).toBe('QUEUING')
  })

  it('is executed when the equal run failed', async () => {
    const engine = await aReusingEngine()
    expect((await engine.aFinishedRun({}, { sum: 'no number' })).state).toBe('FAILED')
    const { id } = await engine.aProvisionedRun()

    expect(await engine.start(id)).toMatchObject({ notReused: { reason: 'no-equal-run' } })
  })

  it('takes the outputs of another version of the task with the same image but other CPUs and memory', async () => {
    const engine = await aReusingEngine()
    const first = await engine.aFinishedRun()
    const resources = { ...REUSABLE_TASK.resources, ramBytes: '8589934592', cpus: 4 }
    const other = await engine.install({ name: 'Another name', resources })

    const { id } = await engine.aProvisionedRun({}, other)

    expect(await engine.start(id)).toMatchObject({ state: 'FINISHED', reusedFrom: first.id })
  })

  it.each([
    ['another image', { image: { ...REUSABLE_TASK.image, digest: `sha256:${'1'.repeat(64)}` } }],
    ['internet access', { resources: { ...REUSABLE_TASK.resources, internet: true } }],
    ['other outputs', { outputs: REUSABLE_TASK.outputs.slice(0, 1) }],
    ['another output folder', { outputFolder: '/results' }],
  ])('is executed when its task has %s', async (_, changes) => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun()
    const other = await engine.install(changes)

    const { id } = await engine.aProvisionedRun({}, other)

    expect(await engine.start(id)).toMatchObject({ state: 'QUEUING', notReused: { reason: 'no-equal-run' } })
  })

  it('is executed, with the reason, when an input has no digest', async () => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun(SLIDE)
    const { id, provisions } = await engine.aProvisionedRun(SLIDE)
    const [value] = (
      await engine.runs.listInputs({ ...(await findRunAndTask(engine, id)).run, provisions })
    ).filter(({ parameterName }) => parameterName === 'slide')
    if (value === undefined || value.file.kind === 'inline') throw new Error('the slide is not stored')
    const { digest: _, ...file } = value.file
    await engine.runs.putInput({ ...value, file })

    const run = await engine.start(id)

    expect(run).toMatchObject({ state: 'QUEUING', notReused: { reason: 'input-not-digested' } })
    expect(run.notReused?.message).toContain('"slide"')
  })

  it('finds a run whose array has the same items, provisioned in any order, and not one with another item', async () => {
    const engine = await aReusingEngine()
    const withItems = async (items: readonly (readonly [index: number, value: number])[]) => {
      const { id } = await engine.aProvisionedRun()
      for (const [index, value] of items) {
        const target = findArrayItem(await findRunAndTask(engine, id), 'list', String(index))
        await provisionArrayItem(engine, target, value)
      }
      return id
    }
    const first = await withItems([
      [0, 5],
      [1, 6],
    ])
    await engine.start(first, false)
    await engine.finish(first)

    const same = await withItems([
      [1, 6],
      [0, 5],
    ])
    const other = await withItems([
      [0, 5],
      [1, 7],
    ])

    expect(await engine.start(same)).toMatchObject({ state: 'FINISHED', reusedFrom: first })
    expect(await engine.start(other)).toMatchObject({ state: 'QUEUING' })
  })

  it('does not take outputs that the container of a run did not write', async () => {
    const engine = await aReusingEngine()
    const { id } = await engine.aProvisionedRun()
    await engine.start(id, false)
    await engine.runs.transition(id, { to: 'FINISHED', set: { outputsPrefix: 'posted/' } })

    const second = await engine.aProvisionedRun()

    expect(await engine.start(second.id)).toMatchObject({ state: 'QUEUING' })
  })

  it('is executed with its new inputs when they change while outputs are being copied', async () => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun()
    const { id } = await engine.aProvisionedRun()
    const { copy } = engine.objects
    engine.objects.copy = async (...copied) => {
      await provisionInput(engine, await findRunAndTask(engine, id), { parameterName: 'a', value: 7 })
      engine.objects.copy = copy
      return copy(...copied)
    }

    const run = await engine.start(id)

    expect(run).toMatchObject({ state: 'QUEUING', notReused: { reason: 'no-equal-run' } })
    expect(engine.objects.keys().filter((key) => key.startsWith(`task-run-outputs-${id}/`))).toEqual([])
  })

  it('is executed when outputs are not copied in time, and leaves no copy', async () => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun()
    const { id } = await engine.aProvisionedRun()
    const { copy } = engine.objects
    engine.objects.copy = async (...copied) => {
      const made = await copy(...copied)
      engine.identity.advance(13)
      return made
    }

    const run = await engine.start(id)

    expect(run).toMatchObject({ state: 'QUEUING', notReused: { reason: 'copy-too-slow' } })
    expect(engine.workflow.startedRuns.has(id)).toBe(true)
    expect(engine.objects.keys().filter((key) => key.startsWith(`task-run-outputs-${id}/`))).toEqual([])
  })

  it.each<readonly [call: string, fail: (engine: Awaited<ReturnType<typeof aReusingEngine>>) => void]>([
    ['a copy', ({ objects }) => (objects.copy = () => Promise.reject(new Error('unavailable')))],
    [
      'the search for a run',
      ({ runs }) => (runs.findByResult = () => Promise.reject(new Error('unavailable'))),
    ],
    ['the list of outputs', ({ objects }) => (objects.list = () => failingList())],
  ])('is executed, and the failure is reported, when %s fails', async (_, fail) => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun()
    const { id } = await engine.aProvisionedRun()
    fail(engine)

    const run = await engine.start(id)

    expect(run).toMatchObject({ state: 'QUEUING', notReused: { reason: 'copy-failed' } })
    expect(engine.workflow.startedRuns.has(id)).toBe(true)
    expect(engine.problems).toEqual([`outputs of an equal run not copied: ${id}`])
  })

  it('keeps its copies when the response to its transition was lost', async () => {
    const engine = await aReusingEngine()
    const first = await engine.aFinishedRun()
    const { id } = await engine.aProvisionedRun()
    const { transition } = engine.runs
    let late = async (): Promise<unknown> => undefined
    engine.runs.transition = (...change) => {
      if (change[1].to !== 'FINISHED') return transition(...change)
      engine.runs.transition = transition
      late = () => transition(...change)
      return Promise.reject(new Error('no answer'))
    }
    const { report } = engine
    const reporting = {
      ...engine,
      report: (...problem: Parameters<typeof report>) => {
        report(...problem)
        void late()
      },
    }

    await expect(changeRunState(reporting, id, 'RUNNING', true)).rejects.toMatchObject({
      error: 'INTERNAL_INVALID_TASK_RUN_STATE',
    })

    const run = await engine.runs.find(id)
    expect(run).toMatchObject({ state: 'FINISHED', reusedFrom: first.id })
    expect(engine.objects.text(`${run?.outputsPrefix}sum`)).toBe('42')
  })

  it('takes the outputs of another equal run when one was cancelled during the check of its outputs', async () => {
    const engine = await aReusingEngine()
    const first = await engine.aFinishedRun()
    const { id } = await engine.aProvisionedRun()
    await engine.start(id, false)
    const { write } = engine.objects
    engine.objects.write = async (...written) => {
      engine.objects.write = write
      await changeRunState(engine, id, 'CANCELLED')
      return write(...written)
    }
    expect(await engine.finish(id)).toMatchObject({ state: 'FAILED', failure: { kind: 'cancelled' } })

    const third = await engine.aProvisionedRun()

    expect(await engine.start(third.id)).toMatchObject({ state: 'FINISHED', reusedFrom: first.id })
  })

  it('can be reused itself, although its first worker crashed before it recorded the result', async () => {
    const engine = await aReusingEngine()
    const { recordResult } = engine.runs
    engine.runs.recordResult = () => Promise.reject(new Error('the process died'))
    const { id } = await engine.start((await engine.aProvisionedRun()).id, false)
    await expect(engine.finish(id)).rejects.toThrow('the process died')
    engine.runs.recordResult = recordResult

    await collectOutputs(engine, id)

    const second = await engine.aProvisionedRun()
    expect(await engine.start(second.id)).toMatchObject({ state: 'FINISHED', reusedFrom: id })
  })
})

describe('deleting the equal run', () => {
  const deleteWhole = async (engine: Awaited<ReturnType<typeof aReusingEngine>>, id: string) => {
    await deleteRun(engine, id)
    await completeDeletion(engine, id)
  }

  it('leaves the copied outputs in the other run, from which further runs take them', async () => {
    const engine = await aReusingEngine()
    const first = await engine.aFinishedRun()
    const second = await engine.start((await engine.aProvisionedRun()).id)

    await deleteWhole(engine, first.id)

    expect(engine.objects.text(`${second.outputsPrefix}sum`)).toBe('42')
    const third = await engine.start((await engine.aProvisionedRun()).id)
    expect(third).toMatchObject({ state: 'FINISHED', reusedFrom: first.id })
    expect(engine.objects.text(`${third.outputsPrefix}outputs.json`)).toContain(third.id)
  })

  it('prevents its reuse', async () => {
    const engine = await aReusingEngine()
    const { id } = await engine.aFinishedRun()

    await deleteWhole(engine, id)

    const second = await engine.aProvisionedRun()
    expect(await engine.start(second.id)).toMatchObject({ state: 'QUEUING' })
  })

  it('lets the other run be executed while outputs are being copied, and leaves no copy', async () => {
    const engine = await aReusingEngine()
    const first = await engine.aFinishedRun()
    const second = await engine.aProvisionedRun()
    const { write } = engine.objects
    engine.objects.write = async (...written) => {
      engine.objects.write = write
      await deleteRun(engine, first.id)
      return write(...written)
    }

    const run = await engine.start(second.id)

    expect(run).toMatchObject({ state: 'QUEUING', notReused: { reason: 'run-deleted' } })
    expect(engine.objects.keys().filter((key) => key.startsWith('task-run-outputs-'))).toEqual([])
  })
})

describe('deleting a run while it takes outputs', () => {
  it('leaves neither copies nor the run', async () => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun()
    const { id } = await engine.aProvisionedRun()
    const { write } = engine.objects
    engine.objects.write = async (...written) => {
      engine.objects.write = write
      await deleteRun(engine, id)
      return write(...written)
    }

    await expect(engine.start(id)).rejects.toMatchObject({ error: 'RUN_NOT_FOUND' })

    expect(engine.objects.keys().filter((key) => key.includes(id))).toEqual([])
  })
})

describe('the state action with reuse', () => {
  const post = (request: ReturnType<typeof createCheckedApp>['request'], id: string, body: object) =>
    request(`/app-engine/v1/task-runs/${id}/state-actions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  it('returns the FINISHED run with the id of the run that computed its outputs', async () => {
    const engine = await aReusingEngine()
    const first = await engine.aFinishedRun()
    const { id } = await engine.aProvisionedRun()
    const { request } = createCheckedApp(engine)

    const answer = await post(request, id, { desired: 'RUNNING', reuse: true })

    expect(await answer.json()).toMatchObject({ resource: { id, state: 'FINISHED', reusedFrom: first.id } })
    const listed = await request(`/app-engine/v1/task-runs/${id}/outputs`)
    expect(await listed.json()).toMatchObject([{ taskRunId: id, parameterName: 'sum', value: 42 }])
    expect((await request(`/app-engine/v1/task-runs/${id}/logs`)).status).toBe(200)
  })

  it('returns the reason why the run is executed', async () => {
    const engine = await aReusingEngine()
    const { id } = await engine.aProvisionedRun()

    const answer = await post(createCheckedApp(engine).request, id, { desired: 'RUNNING', reuse: true })

    expect(await answer.json()).toMatchObject({
      resource: { state: 'QUEUING', notReused: { reason: 'no-equal-run' } },
    })
  })

  it.each([
    [true, undefined, 'FINISHED'],
    [true, false, 'QUEUING'],
    [false, undefined, 'QUEUING'],
  ])('with the stage setting %s and reuse %s makes the run %s', async (reusesOutputs, reuse, state) => {
    const engine = await aReusingEngine()
    await engine.aFinishedRun()
    const { id } = await engine.aProvisionedRun()
    const { request } = createCheckedApp({ ...engine, reusesOutputs })

    const answer = await post(request, id, { desired: 'RUNNING', ...(reuse !== undefined && { reuse }) })

    expect(await answer.json()).toMatchObject({ resource: { state } })
  })

  it.each([
    { desired: 'RUNNING', reuse: 'yes' },
    { desired: 'RUNNING', reuse: null },
    { desired: 'CANCELLED', reuse: true },
  ])('is refused as %j', async (body) => {
    const engine = await aReusingEngine()
    const { id } = await engine.aProvisionedRun()

    const answer = await post(createCheckedApp(engine).request, id, body)

    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ errorCode: 'APPE-run-reuse-invalid' })
    expect((await engine.runs.find(id))?.state).toBe('PROVISIONED')
  })
})
