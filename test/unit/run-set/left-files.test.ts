import { describe, expect, it } from 'vitest'
import { setRunId } from '../../../src/contract/set-run-id.ts'
import { deleteTask } from '../../../src/lifecycle/delete-task.ts'
import { sweepDeletions } from '../../../src/lifecycle/sweep-deletions.ts'
import { createRunSet } from '../../../src/run-set/create-run-set.ts'
import { cancelRunSet, deleteRunSet, retryRunSet } from '../../../src/run-set/end-run-set.ts'
import { sweepRunSets } from '../../../src/run-set/sweep-run-sets.ts'
import { workOnRunSet } from '../../../src/run-set/work-on-run-set.ts'
import { anInput, aTask } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

type Engine = Awaited<ReturnType<typeof anEngine>>

/** Long enough to be stored as an object. */
const LONG = 'x'.repeat(100_000)
const TASK = aTask({ inputs: [anInput({ name: 'text', type: { id: 'string', minLength: 0 } })] })
const LATE_SECONDS = 7200
const settings = { graceSeconds: 300, lateWriteSeconds: LATE_SECONDS }
const KILLED = new Error('the function was killed')

/** A set with a validated table, whose worker creates runs next. */
async function aCreatingSet() {
  const engine = await anEngine({ task: TASK })
  const rows = [{ text: LONG }, { text: LONG }]
  const { id } = await createRunSet(engine, { task: engine.task, shared: {}, rows, maxConcurrency: 2 })
  const work = (on: Engine = engine) => workOnRunSet(on, { setId: id, timeLeftMs: () => 900_000 })
  await work()
  return { engine, id, work }
}

/** Objects and input values of the set and its runs. */
async function leftOf(engine: Engine, setId: string): Promise<string[]> {
  const objects = engine.objects.keys().filter((key) => key.includes(setId.slice(0, 30)))
  const ids = [0, 1].map((row) => setRunId({ setId, row, round: 1 }))
  const values = await Promise.all(ids.map((id) => engine.runs.findInput(id, 'text', id)))
  return [...objects, ...values.flatMap((value) => (value === undefined ? [] : [`value of ${value.runId}`]))]
}

/** The engine of a worker that calls `act` after it has written values, and before it writes their runs. */
function betweenWrites(engine: Engine, act: () => Promise<unknown>): Engine {
  const createAll: typeof engine.runs.createAll = async (created) => {
    for (const { values } of created) for (const value of values) await engine.runs.putInput(value)
    await act()
    return engine.runs.createAll(created)
  }
  return { ...engine, runs: { ...engine.runs, createAll } }
}

async function sweepLater(engine: Engine): Promise<void> {
  engine.identity.advance(LATE_SECONDS)
  await sweepDeletions(
    { ...engine, settings },
    {
      isTimeUp: () => false,
      onTaskDeleted: () => undefined,
      onProblem: (_, error) => {
        throw error
      },
    },
  )
}

describe('a run set whose runs are being created', () => {
  it.each<readonly [string, (engine: Engine, id: string) => Promise<unknown>]>([
    ['the set is deleted', deleteRunSet],
    ['its task is deleted', (engine) => deleteTask(engine, engine.task)],
  ])('leaves nothing when %s meanwhile', async (_, end) => {
    const { engine, id, work } = await aCreatingSet()

    await work(betweenWrites(engine, () => end(engine, id)))
    await work()

    expect(await leftOf(engine, id)).toEqual([])
    expect(await engine.runs.listIdsByTask(engine.task.id)).toEqual([])
  })

  it('leaves only its table when it is cancelled meanwhile', async () => {
    const { engine, id, work } = await aCreatingSet()

    await work(betweenWrites(engine, () => cancelRunSet(engine, id)))
    await work()

    const left = await leftOf(engine, id)
    expect(left.filter((key) => !key.startsWith(`task-run-set-${id}/`))).toEqual([])
  })

  it.each<readonly [string, (engine: Engine, id: string) => Promise<unknown>]>([
    ['deleted', deleteRunSet],
    [
      'cancelled and deleted',
      async (engine, id) => {
        await cancelRunSet(engine, id)
        await workOnRunSet(engine, { setId: id, timeLeftMs: () => 900_000 })
        await deleteRunSet(engine, id)
      },
    ],
  ])('leaves nothing of a killed worker when it is %s', async (_, end) => {
    const { engine, id, work } = await aCreatingSet()
    await expect(work(betweenWrites(engine, () => Promise.reject(KILLED)))).rejects.toBe(KILLED)
    expect((await leftOf(engine, id)).length).toBeGreaterThan(2)

    await end(engine, id)
    await work()

    expect(await leftOf(engine, id)).toEqual([])
  })

  it('leaves nothing of a killed worker of an earlier round when it is deleted', async () => {
    const { engine, id, work } = await aCreatingSet()
    await cancelRunSet(engine, id)
    await work()
    const runId = setRunId({ setId: id, row: 1, round: 1 })
    await engine.objects.put(`task-run-inputs-${runId}/text/${runId}`, LONG)
    await engine.runs.putInput({
      runId,
      parameterName: 'text',
      valueId: runId,
      file: { kind: 'inline', text: 'x' },
    })
    await retryRunSet(engine, id)
    await work()

    await deleteRunSet(engine, id)
    await work()

    expect(await leftOf(engine, id)).toEqual([])
  })

  it('is cleared of files and values that are written after its deletion has ended', async () => {
    const { engine, id, work } = await aCreatingSet()
    const runId = setRunId({ setId: id, row: 0, round: 1 })
    await deleteRunSet(engine, id)
    await work()

    await engine.objects.put(`task-run-inputs-${runId}/text/${runId}`, LONG)
    const file = { kind: 'inline', text: 'late' } as const
    await engine.runs.putInput({ runId, parameterName: 'text', valueId: runId, file })
    await engine.objects.put(`task-run-set-${id}/outputs.csv`, 'late')
    expect(await leftOf(engine, id)).toHaveLength(3)
    await sweepLater(engine)

    expect(await leftOf(engine, id)).toEqual([])
    expect(await engine.sets.findInRemoval(id)).toBeUndefined()
  })
})

describe('a run set whose creation is interrupted', () => {
  const wanted = { shared: {}, rows: [{ text: 'x' }], maxConcurrency: 1 }

  it('leaves nothing when its files cannot be stored', async () => {
    const engine = await anEngine({ task: TASK })
    const objects = { ...engine.objects, put: () => Promise.reject(KILLED) }
    await expect(createRunSet({ ...engine, objects }, { ...wanted, task: engine.task })).rejects.toBe(KILLED)
    const [id = ''] = await engine.sets.listIdsByTask(engine.task.id)

    await workOnRunSet(engine, { setId: id, timeLeftMs: () => 900_000 })
    await sweepLater(engine)

    expect((await engine.sets.list(10)).sets).toEqual([])
    expect(await engine.sets.findInRemoval(id)).toBeUndefined()
  })

  it('fails with the reason when the call was killed, and its files are found through its item', async () => {
    const engine = await anEngine({ task: TASK })
    const objects: typeof engine.objects = {
      ...engine.objects,
      put: (key, body) =>
        key.endsWith('/rows') ? engine.objects.put(key, body) : new Promise(() => undefined),
    }
    void createRunSet({ ...engine, objects }, { ...wanted, task: engine.task })
    await new Promise(setImmediate)
    const [id = ''] = await engine.sets.listIdsByTask(engine.task.id)
    engine.identity.advance(settings.graceSeconds)
    const started: string[] = []
    await sweepRunSets(
      { ...engine, settings },
      { isTimeUp: () => false, onStarted: (setId) => started.push(setId), onProblem: () => undefined },
    )

    await workOnRunSet(engine, { setId: id, timeLeftMs: () => 900_000 })

    expect(started).toEqual([id])
    expect(await engine.sets.find(id)).toMatchObject({
      phase: 'invalid',
      problems: [{ message: expect.stringContaining('create the set again') }],
    })
    await deleteRunSet(engine, id)
    await workOnRunSet(engine, { setId: id, timeLeftMs: () => 900_000 })
    expect(await leftOf(engine, id)).toEqual([])
  })

  it('stores nothing when its table is refused', async () => {
    const engine = await anEngine({ task: TASK })

    await expect(createRunSet(engine, { ...wanted, rows: [], task: engine.task })).rejects.toMatchObject({
      error: 'RUN_SET_INVALID',
    })

    expect(engine.objects.keys()).toEqual([])
    expect(await engine.sets.listIdsByTask(engine.task.id)).toEqual([])
  })
})
