import { describe, expect, it } from 'vitest'
import { cancelRunSet, retryRunSet } from '../../../src/run-set/end-run-set.ts'
import { workOnRunSet } from '../../../src/run-set/work-on-run-set.ts'
import { aRun, RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'
import {
  aSet,
  ENOUGH_MS,
  type Engine,
  finish,
  NO_ROWS,
  oneBlock,
  prepare,
  rowsOf,
  SET_TASK,
} from '../../fixtures/working-set.ts'

/** An engine with the uploads `one` and `two`. */
async function anEngineWithUploads(): Promise<Engine> {
  const engine = await anEngine({ task: SET_TASK })
  for (const id of ['one', 'two']) await upload(engine, id)
  return engine
}

async function upload(engine: Engine, id: string): Promise<void> {
  const key = `uploads/${id}`
  await engine.objects.put(key, 'content')
  const facts = { purpose: 'input', state: 'READY', taskId: 'none' } as const
  await engine.uploads.create({ id, key, ...facts, createdAt: engine.identity.now().toISOString() })
}

const PLACE = { column: 'file', message: expect.stringContaining('this upload has expired') }

describe('a file that is removed after the table was checked', () => {
  it('is a problem with row and column of each row that names it, and not an error of the engine', async () => {
    const engine = await anEngineWithUploads()
    const rows = [
      { a: 1, file: 'upload:one' },
      { a: 2, file: 'upload:two' },
      { a: 3 },
      { a: 4, file: 'upload:one' },
    ]
    const { id, work, read } = await aSet({ rows }, engine)
    await work()
    expect((await read()).phase).toBe('creating')
    await engine.objects.remove('uploads/one')

    await prepare(work)

    const answer = await createCheckedApp(engine).request(`/app-engine/v1/run-sets/${id}`)
    const view = (await answer.json()) as object
    expect(view).toMatchObject({
      state: 'FAILED',
      counts: { ...NO_ROWS, skipped: 4 },
      problems: {
        count: 2,
        content: [
          { row: 1, ...PLACE },
          { row: 4, ...PLACE },
        ],
      },
    })
    expect(view).toMatchObject({
      error: { kind: 'input-staging-failed', message: expect.stringContaining('retry') },
    })
    expect(await engine.runs.listIdsByTask(engine.task.id)).toEqual([])
  })

  it('is one problem without a row when all rows share it', async () => {
    const engine = await anEngineWithUploads()
    const { work, describeIt } = await aSet({ rows: rowsOf(3), shared: { file: 'upload:one' } }, engine)
    await work()
    await engine.objects.remove('uploads/one')

    await prepare(work)

    const { state, runSet } = await describeIt()
    expect([state, runSet.problems]).toMatchObject(['FAILED', [{ row: null, ...PLACE }]])
  })

  it('may be an output of a run that was deleted', async () => {
    const engine = await anEngine({ task: SET_TASK })
    await engine.runs.create(aRun({ state: 'FINISHED', outputsPrefix: 'outputs/' }))
    await engine.objects.put('outputs/sum', '42')
    const { work, read } = await aSet({ rows: [{ a: 1 }, { a: 2, file: `run:${RUN_ID}/sum` }] }, engine)
    await work()
    await engine.runs.beginRemoval(RUN_ID)

    await prepare(work)

    expect(await read()).toMatchObject({
      phase: 'failed',
      problems: [{ row: 2, column: 'file', message: expect.stringContaining('or it was deleted') }],
    })
  })

  it('may be removed while it is copied', async () => {
    const engine = await anEngine({ task: SET_TASK })
    await engine.runs.create(aRun({ state: 'FINISHED', outputsPrefix: 'outputs/' }))
    await engine.objects.put('outputs/sum', '42')
    const { id, work, read } = await aSet({ rows: [{ a: 1, file: `run:${RUN_ID}/sum` }] }, engine)
    await work()
    const objects = { ...engine.objects, copy: async () => undefined }

    await workOnRunSet({ ...engine, objects }, { setId: id, timeLeftMs: () => ENOUGH_MS })

    expect(await read()).toMatchObject({
      problems: [{ row: 1, column: 'file', message: `the run of "${RUN_ID}/sum" was deleted` }],
    })
  })

  it('cancels the runs of the rows before it, which a retry creates again', async () => {
    const engine = await anEngineWithUploads()
    const set = await aSet({ rows: [...rowsOf(60), { a: 60, file: 'upload:one' }] }, engine)
    await set.work()
    await engine.objects.remove('uploads/one')
    await prepare(set.work)
    const failed = await set.describeIt()
    await expect(cancelRunSet(engine, set.id)).rejects.toMatchObject({ error: 'RUN_SET_INVALID_STATE' })
    await engine.objects.put('uploads/one', 'content')

    await retryRunSet(engine, set.id)
    await finish(set)

    expect(failed.counts).toEqual({ ...NO_ROWS, failed: 49, skipped: 12 })
    const { state, counts, runSet } = await set.describeIt()
    expect([state, counts]).toEqual(['FINISHED', { ...NO_ROWS, finished: 61 }])
    expect(runSet.problemCount).toBe(0)
  })

  it('leaves a set CANCELLED that was cancelled while its table was checked', async () => {
    const { engine, id, work, describeIt } = await aSet({
      rows: Array.from({ length: 600 }, () => ({ a: -1 })),
    })
    await workOnRunSet(engine, { setId: id, timeLeftMs: oneBlock() })

    await cancelRunSet(engine, id)
    await work()

    const { state, runSet } = await describeIt()
    expect([state, runSet.phase, runSet.problemCount]).toEqual(['CANCELLED', 'cancelled', 500])
  })
})
