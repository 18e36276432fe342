import { describe, expect, it } from 'vitest'
import { inputValueKey } from '../../../src/contract/storage-keys.ts'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { rerun } from '../../../src/lifecycle/rerun.ts'
import type { Provision, Run } from '../../../src/run/run.ts'
import { readAll } from '../../../src/shared/read-all.ts'
import { anInput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

const TASK = aTask({
  inputs: [
    anInput({ name: 'a' }),
    anInput({ name: 'slide', type: { id: 'image' }, optional: true }),
    anInput({
      name: 'list',
      type: { id: 'array', allowMissing: false, subType: { id: 'integer' } },
      optional: true,
    }),
  ],
})
const VALUE = { kind: 'value', valueId: 'v' } as const
const PATH = `/app-engine/v1/task-runs/${RUN_ID}/rerun`

/** An engine with a finished run, whose input `a` is 42. */
async function aFinishedRun(changes: Partial<Run> = {}) {
  const engine = await anEngine({
    task: TASK,
    run: { state: 'FINISHED', provisions: { a: VALUE }, ...changes },
  })
  await engine.runs.putInput({
    runId: RUN_ID,
    parameterName: 'a',
    valueId: 'v',
    file: { kind: 'inline', text: '42' },
  })
  const keyOf = (name: string): string => inputValueKey(RUN_ID, name, 'v')
  /** Stores an object and its input value. The run has it only once its provisions refer to it. */
  async function store(name: string, kind: 'object' | 'tree', companion?: string): Promise<void> {
    const key = keyOf(name)
    await engine.objects.put(key, `bytes of ${name}`)
    if (companion !== undefined) await engine.objects.put(`${key}.geojson`, companion)
    await engine.runs.putInput({
      runId: RUN_ID,
      parameterName: name,
      valueId: 'v',
      file: { kind, key, sizeBytes: 10 },
      ...(companion && { companion: { kind: 'object', key: `${key}.geojson`, sizeBytes: 10 } as const }),
    })
  }
  const textOf = async (key: string): Promise<string | undefined> => {
    const body = await engine.objects.read(key)
    return body && (await readAll(body)).toString()
  }
  const listedRuns = () => engine.runs.listIdsByTask(engine.task.id)
  return { ...engine, keyOf, store, textOf, listedRuns }
}

describe('another run with the same inputs', () => {
  it('is PROVISIONED and has the values and its own id', async () => {
    const engine = await aFinishedRun()

    const { run } = await rerun(engine, RUN_ID, false)

    expect(run.id).not.toBe(RUN_ID)
    expect(run).toMatchObject({ state: 'PROVISIONED', provisions: { a: VALUE } })
    expect(run).not.toHaveProperty('outputsPrefix')
    expect(await engine.runs.listInputs(run)).toEqual([
      { runId: run.id, parameterName: 'a', valueId: 'v', file: { kind: 'inline', text: '42' } },
    ])
    expect((await engine.runs.find(RUN_ID))?.state).toBe('FINISHED')
  })

  it('keeps its files when the first run is deleted', async () => {
    const array: Provision = { ...VALUE, size: 2 }
    const engine = await aFinishedRun({ provisions: { a: VALUE, slide: VALUE, list: array } })
    await engine.store('slide', 'object', 'where it was cut out')
    await engine.store('list', 'tree')
    await engine.objects.put(`${engine.keyOf('list')}.index`, 'index')

    const { run } = await rerun(engine, RUN_ID, false)
    await deleteRun(engine, RUN_ID)

    const keyOf = (name: string): string => inputValueKey(run.id, name, 'v')
    const copied = await Promise.all(
      [keyOf('slide'), `${keyOf('slide')}.geojson`, keyOf('list'), `${keyOf('list')}.index`].map(
        engine.textOf,
      ),
    )
    expect(copied).toEqual(['bytes of slide', 'where it was cut out', 'bytes of list', 'index'])
    const values = await engine.runs.listInputs(run)
    expect(values.map(({ file }) => ('key' in file ? file.key : undefined))).toEqual([
      undefined,
      keyOf('slide'),
      keyOf('list'),
    ])
    expect(run.provisions.list).toEqual(array)
  })

  it('has its own copy of a file that the runs of a set share', async () => {
    const engine = await aFinishedRun({ provisions: { a: VALUE, slide: VALUE } })
    const key = inputValueKey('88888888-8888-4888-8888-888888888888', 'slide', 'v')
    await engine.objects.put(key, 'shared')
    const file = { kind: 'object', key, sizeBytes: 6 } as const
    await engine.runs.putInput({ runId: RUN_ID, parameterName: 'slide', valueId: 'v', file })

    const { run } = await rerun(engine, RUN_ID, false)

    expect(await engine.textOf(inputValueKey(run.id, 'slide', 'v'))).toBe('shared')
  })

  it('omits values that no provision points at', async () => {
    const engine = await aFinishedRun({ provisions: { a: VALUE, slide: { kind: 'cleared' } } })
    await engine.store('slide', 'object')

    const { run } = await rerun(engine, RUN_ID, false)

    expect(await engine.textOf(inputValueKey(run.id, 'slide', 'v'))).toBeUndefined()
    expect(run.provisions.slide).toEqual({ kind: 'cleared' })
  })

  it('is CREATED when the first run lacks inputs', async () => {
    const engine = await aFinishedRun({ state: 'CREATED', provisions: {} })

    expect((await rerun(engine, RUN_ID, false)).run.state).toBe('CREATED')
  })

  it('is started on request', async () => {
    const engine = await aFinishedRun()

    const { run } = await rerun(engine, RUN_ID, true)

    expect(run.state).toBe('QUEUING')
    expect([...engine.workflow.startedRuns]).toContain(run.id)
  })

  it('is not created when it could not be started', async () => {
    const engine = await aFinishedRun({ state: 'CREATED', provisions: {} })

    await expect(rerun(engine, RUN_ID, true)).rejects.toMatchObject({ error: 'INTERNAL_NOT_PROVISIONED' })

    expect(await engine.listedRuns()).toEqual([RUN_ID])
  })

  it('is removed when the first run is deleted while it is copied', async () => {
    const engine = await aFinishedRun({ provisions: { a: VALUE, slide: VALUE } })
    await engine.store('slide', 'object')
    const copy: typeof engine.objects.copy = async (from, to) => {
      await deleteRun(engine, RUN_ID)
      return engine.objects.copy(from, to)
    }

    const copying = rerun({ ...engine, objects: { ...engine.objects, copy } }, RUN_ID, false)

    await expect(copying).rejects.toMatchObject({ error: 'RUN_NOT_FOUND' })
    expect((await engine.runs.listPage({ limit: 10, isWanted: () => true })).rows).toEqual([])
  })

  it('leaves nothing when a copy fails', async () => {
    const engine = await aFinishedRun({ provisions: { a: VALUE, slide: VALUE } })
    await engine.store('slide', 'object')
    const failure = new Error('the bucket is unavailable')
    const copy = () => Promise.reject(failure)

    await expect(rerun({ ...engine, objects: { ...engine.objects, copy } }, RUN_ID, false)).rejects.toBe(
      failure,
    )

    const { rows } = await engine.runs.listPage({ limit: 10, isWanted: () => true })
    expect(rows.map(({ id }) => id)).toEqual([RUN_ID])
  })
})

describe('the route of a rerun', () => {
  it('answers 201 with the new run', async () => {
    const engine = await aFinishedRun()

    const answer = await createCheckedApp(engine).request(PATH, { method: 'POST' })

    expect(answer.status).toBe(201)
    expect(await answer.json()).toMatchObject({ state: 'PROVISIONED', task: { id: engine.task.id } })
  })

  it('starts the new run with start=true', async () => {
    const answer = await createCheckedApp(await aFinishedRun()).request(`${PATH}?start=true`, {
      method: 'POST',
    })

    expect(await answer.json()).toMatchObject({ state: 'QUEUING' })
  })

  it('refuses another value of start', async () => {
    const engine = await aFinishedRun()

    const answer = await createCheckedApp(engine).request(`${PATH}?start=yes`, { method: 'POST' })

    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('start \\"yes\\"')])
    expect(await engine.listedRuns()).toEqual([RUN_ID])
  })

  it('answers 404 for a run that does not exist', async () => {
    const answer = await createCheckedApp(await anEngine()).request(PATH, { method: 'POST' })

    expect(answer.status).toBe(404)
  })
})
