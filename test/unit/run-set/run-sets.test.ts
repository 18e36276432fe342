import { describe, expect, it } from 'vitest'
import { provisionInput } from '../../../src/inputs/provision-input.ts'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import type { JobUsage } from '../../../src/run/run.ts'
import { MAX_RUNS_AT_ONCE } from '../../../src/run/run-repository.ts'
import { executionNameOf } from '../../../src/run/set/run-set.ts'
import { MAX_REASONS } from '../../../src/run/set/set-counts.ts'
import { cancelRunSet, deleteRunSet, retryRunSet } from '../../../src/run-set/end-run-set.ts'
import { listSetRuns } from '../../../src/run-set/list-set-runs.ts'
import { sweepRunSets } from '../../../src/run-set/sweep-run-sets.ts'
import { workOnRunSet } from '../../../src/run-set/work-on-run-set.ts'
import { readAll } from '../../../src/shared/read-all.ts'
import { createMemoryObjectStore } from '../../fakes/memory-object-store.ts'
import { anInput, aTask } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { aSet, type Engine, end, prepare, SET_TASK, submit } from '../../fixtures/working-set.ts'

const USAGE: JobUsage = {
  ...{
    queueSeconds: 1,
    jobSeconds: 60,
    vcpuSeconds: 120,
    memoryGibSeconds: 240,
    diskGibSeconds: 0,
    gpuSeconds: 0,
  },
  ...{ usd: 0.25, pricesOf: '2026-01-01' },
}

describe('a run set', () => {
  it('creates runs with the inputs of their row, the shared inputs and the defaults', async () => {
    const { engine, work, runId, describeIt } = await aSet({
      rows: [{ a: 1 }, { a: 2, text: 'own' }],
      shared: { text: 'all' },
    })

    const { runs, prefix, maxConcurrency } = await prepare(work)

    expect(runs.map((place) => prefix + place)).toEqual([runId(0), runId(1)])
    expect(maxConcurrency).toBe(2)
    const inputsOf = async (row: number) => {
      const run = await engine.runs.find(runId(row))
      const values = run === undefined ? [] : await engine.runs.listInputs(run)
      return Object.fromEntries(
        values.map(({ parameterName, file }) => [parameterName, 'text' in file ? file.text : file]),
      )
    }
    expect([await inputsOf(0), await inputsOf(1)]).toEqual([
      { a: '1', text: 'all' },
      { a: '2', text: 'own' },
    ])
    expect((await describeIt()).counts).toEqual({ waiting: 2, active: 0, finished: 0, failed: 0, skipped: 0 })
  })

  it('stores a default if neither row nor shared values replace it', async () => {
    const { engine, work, runId } = await aSet({ rows: [{ a: 1 }] })
    await prepare(work)

    const run = await engine.runs.find(runId(0))
    expect(run && (await engine.runs.listInputs(run)).map(({ file }) => file)).toContainEqual({
      kind: 'inline',
      text: 'default',
    })
  })

  it('reports all problems with row and column, and creates nothing', async () => {
    const { engine, work, describeIt } = await aSet({
      rows: [{ a: -1 }, {}, { a: 'x', nonsense: 1 }, { a: 1, file: 'upload:unknown' }, { a: 1 }],
      shared: { other: 1 },
    })

    const { isDone } = await prepare(work)
    const { state, runSet } = await describeIt()

    expect([isDone, state]).toEqual([true, 'FAILED'])
    expect(runSet.problems.map(({ row, column }) => [row, column])).toEqual([
      [null, 'other'],
      [3, 'nonsense'],
      [1, 'a'],
      [2, 'a'],
      [3, 'a'],
      [4, 'file'],
    ])
    expect(runSet.problems.every(({ message }) => message.length > 10)).toBe(true)
    expect(await engine.runs.listIdsByTask(SET_TASK.id)).toEqual([])
  })

  it('estimates the cost of the remaining runs from those that have ended', async () => {
    const { engine, work, runId, describeIt } = await aSet({ rows: [{ a: 1 }, { a: 2 }, { a: 3 }] })
    await prepare(work)
    const withoutEnd = await describeIt()
    await submit(engine, runId(0))
    await end(engine, runId(0))
    await engine.runs.recordUsage(runId(0), 1, USAGE)

    const { usd, remainingUsd } = await describeIt()

    expect(withoutEnd).not.toHaveProperty('remainingUsd')
    expect([usd, remainingUsd]).toEqual([0.25, 0.5])
  })

  it('reports a refused shared value once, and the problems of each row beside it', async () => {
    const rows = Array.from({ length: 300 }, (_, row) => (row === 250 ? { text: 5 } : {}))
    const { work, read } = await aSet({ rows, shared: { a: 'abc' } })
    await prepare(work)

    const { problems, problemCount } = await read()
    expect(problems.map(({ row, column }) => [row, column])).toEqual([
      [null, 'a'],
      [251, 'text'],
    ])
    expect(problemCount).toBe(2)
  })

  it('reports a refused and a missing value of one row together', async () => {
    const { work, read } = await aSet({ rows: [{ text: 5 }, { a: 'x', text: 5 }] })
    await prepare(work)

    expect((await read()).problems.map(({ row, column }) => [row, column])).toEqual([
      [1, 'text'],
      [1, 'a'],
      [2, 'a'],
      [2, 'text'],
    ])
  })

  it('compares no array whose value was refused', async () => {
    const type = { id: 'array', allowMissing: false, subType: { id: 'integer' } } as const
    const task = aTask({
      inputs: [anInput({ name: 'a', type }), anInput({ name: 'b', type }), anInput({ name: 'c', type })],
      matchingGroups: [['inputs/a', 'inputs/b', 'inputs/c']],
    })
    const rows = [
      { a: ['x'], b: [1], c: [1, 2] },
      { b: [1], c: [1] },
    ]
    const { work, read } = await aSet({ rows: [...rows, { a: [1], b: 'y', c: [1] }], task })
    await prepare(work)

    expect((await read()).problems.map(({ row, column }) => [row, column])).toEqual([
      [1, 'a'],
      [1, 'c'],
      [2, 'a'],
      [3, 'b'],
    ])
  })

  it('stores the first 100 problems, and the number of the others', async () => {
    const { work, read } = await aSet({ rows: Array.from({ length: 250 }, () => ({ a: -1 })) })
    await prepare(work)

    const { problems, problemCount } = await read()
    expect([problems.length, problemCount]).toEqual([100, 250])
  })

  it('truncates long names and messages of problems', async () => {
    const rows = Array.from({ length: 100 }, (_, row) => ({ a: 1, [`${row}${'x'.repeat(20_000)}`]: 1 }))
    const { work, read } = await aSet({ rows })
    await prepare(work)

    const { problems } = await read()
    expect(problems).toHaveLength(100)
    expect(Buffer.byteLength(JSON.stringify(problems))).toBeLessThan(200_000)
  })

  it('is refused with two columns for one parameter', async () => {
    const { work, describeIt } = await aSet({ rows: [{ a: 1, file: 'upload:x', FILE: 'upload:y' }] })
    await prepare(work)

    const { state, runSet } = await describeIt()
    expect(state).toBe('FAILED')
    expect(runSet.problems.map(({ message }) => message).join()).toContain('two columns')
  })

  it.each([
    ['cancelled', cancelRunSet],
    ['deleted', deleteRunSet],
  ])('gets no runs from a late worker after it was %s', async (_, end) => {
    const { engine, id, work, runId } = await aSet({ rows: [{ a: 1 }] })
    await work()
    const late = {
      ...engine,
      runs: {
        ...engine.runs,
        async createAll(created: Parameters<typeof engine.runs.createAll>[0]) {
          await end(engine, id)
          await work()
          return engine.runs.createAll(created)
        },
      },
    }

    await workOnRunSet(late, { setId: id, timeLeftMs: () => 900_000 })

    expect(await engine.runs.find(runId(0))).toBeUndefined()
    expect((await work()).isDone).toBe(true)
  })

  it('is continued where a worker reached its time limit or crashed', async () => {
    const rows = Array.from({ length: 120 }, (_, a) => ({ a }))
    const { engine, work, read, runId } = await aSet({ rows })
    let calls = 0
    const timeLeft = () => (calls++ % 2 === 0 ? 900_000 : 0)
    for (let step = 0; step < 20 && (await read()).phase !== 'running'; step += 1) {
      await workOnRunSet(engine, { setId: (await read()).id, timeLeftMs: timeLeft })
    }

    const { runs } = await work()
    expect(runs).toHaveLength(120)
    expect((await engine.runs.find(runId(119)))?.state).toBe('PROVISIONED')
  })

  it('uses the same shared object in all runs, even if it was replaced while they were created', async () => {
    const engine = await anEngine({ task: SET_TASK })
    const slides = createMemoryObjectStore()
    await slides.put('model', 'old')
    const inputBucket = () => ({
      objects: slides,
      async copy(from: string, to: string) {
        const body = await slides.read(from)
        await engine.objects.put(to, body === undefined ? '' : (await readAll(body)).toString())
        return undefined
      },
    })
    const rows = Array.from({ length: 2 * MAX_RUNS_AT_ONCE }, (_, a) => ({ a }))
    const { id, work, read, runId } = await aSet({ rows, shared: { file: 's3://slides/model' } }, {
      ...engine,
      inputBucket,
    } as Engine)
    while ((await read()).done === 0 || (await read()).phase !== 'creating') {
      let calls = 0
      await workOnRunSet({ ...engine, inputBucket } as Engine, {
        setId: id,
        timeLeftMs: () => (calls++ === 0 ? 900_000 : 0),
      })
    }
    await slides.put('model', 'new content')

    await prepare(work)

    const last = await engine.runs.find(runId(rows.length - 1))
    const values = last === undefined ? [] : await engine.runs.listInputs(last)
    const file = values.find(({ parameterName }) => parameterName === 'file')?.file
    const body = file !== undefined && 'key' in file ? await engine.objects.read(file.key) : undefined
    expect(body && (await readAll(body)).toString()).toBe('old')
    expect(file).toMatchObject({ sizeBytes: 3 })
  })

  it('contains no run twice when two workers create runs concurrently', async () => {
    const rows = Array.from({ length: 60 }, (_, a) => ({ a }))
    const { engine, work, runId } = await aSet({ rows })
    await work()
    await Promise.all([work(), work()])
    await submit(engine, runId(0))
    await work()

    expect((await engine.runs.find(runId(0)))?.state).toBe('QUEUED')
  })

  it('starts a run when the workflow executes it, and counts it in each state', async () => {
    const { engine, work, runId, describeIt } = await aSet({ rows: [{ a: 1 }, { a: 2 }, { a: 3 }] })
    await prepare(work)

    for (const row of [0, 1]) await submit(engine, runId(row))
    expect((await describeIt()).counts).toEqual({ waiting: 1, active: 2, finished: 0, failed: 0, skipped: 0 })
    await end(engine, runId(0))
    await end(engine, runId(1), false)
    expect((await work()).runs).toHaveLength(1)
    await submit(engine, runId(2))
    await end(engine, runId(2), false)

    const { state, counts, failures } = await describeIt()
    expect([state, counts]).toEqual([
      'FINISHED',
      { waiting: 0, active: 0, finished: 1, failed: 2, skipped: 0 },
    ])
    expect(failures).toMatchObject([
      { kind: 'task-failed', message: 'exit code 3', count: 2, example: { row: 3 } },
    ])
    expect((await work()).isDone).toBe(true)
  })

  it('groups failures by a limited number of reasons, and says which group has several', async () => {
    const count = MAX_REASONS + 2
    // Rows whose failures are counted by the same item.
    const failing = Array.from({ length: count }, (_, index) => 16 * index)
    const { engine, work, runId, describeIt } = await aSet({
      rows: Array.from({ length: 16 * count }, (_, a) => ({ a })),
    })
    await prepare(work)
    for (const [index, row] of failing.entries()) {
      const failure = { kind: 'output-invalid', message: `no ${'x'.repeat(index + 1)}` } as const
      await submit(engine, runId(row))
      await engine.runs.transition(runId(row), { to: 'FAILED', set: { failure } })
    }

    const { failures } = await describeIt()

    expect(failures[0]).toMatchObject({
      count: 2,
      message: `other reasons, for example: no ${'x'.repeat(count)}`,
    })
    expect(failures.slice(1).every((group) => group.count === 1)).toBe(true)
  })

  it('has runs whose inputs clients cannot change', async () => {
    const { engine, work, runId } = await aSet({ rows: [{ a: 1 }] })
    await prepare(work)
    const run = await engine.runs.find(runId(0))
    if (run === undefined) throw new Error('there is no run')

    const change = provisionInput(engine, { run, task: engine.task }, { parameterName: 'a', value: 5 })
    await expect(change).rejects.toMatchObject({ error: 'INTERNAL_INVALID_TASK_RUN_STATE' })
  })

  it('runs only failed rows again when it is retried, with the same inputs', async () => {
    const { engine, id, work, runId, describeIt } = await aSet({ rows: [{ a: 1 }, { a: 2 }] })
    await prepare(work)
    for (const row of [0, 1]) await submit(engine, runId(row))
    await end(engine, runId(0))
    await end(engine, runId(1), false)

    await retryRunSet(engine, id)
    const { runs, prefix } = await prepare(work)

    expect(runs.map((place) => prefix + place)).toEqual([runId(1, 2)])
    expect((await describeIt()).counts).toEqual({ waiting: 1, active: 0, finished: 1, failed: 0, skipped: 0 })
    await deleteRun(engine, runId(1))
    const again = await engine.runs.find(runId(1, 2))
    expect(again && (await engine.runs.listInputs(again))).toMatchObject([{ file: { text: '2' } }, {}])
    await submit(engine, runId(1, 2))
    await end(engine, runId(1, 2))
    expect((await describeIt()).counts).toEqual({ waiting: 0, active: 0, finished: 2, failed: 0, skipped: 0 })
    const page = await listSetRuns(engine, (await describeIt()).runSet, { limit: 10, after: 0 })
    expect(page.content.map(({ run }) => run.id)).toEqual([runId(0), runId(1, 2)])
  })

  it('is cancelled with the runs that have not ended, and can then be retried', async () => {
    const { engine, id, work, runId, describeIt, read } = await aSet({ rows: [{ a: 1 }, { a: 2 }, { a: 3 }] })
    await prepare(work)
    await submit(engine, runId(0))
    await end(engine, runId(0))
    await submit(engine, runId(1))

    await cancelRunSet(engine, id)
    expect((await work()).isDone).toBe(true)

    expect((await describeIt()).state).toBe('CANCELLED')
    expect((await describeIt()).counts).toEqual({ waiting: 0, active: 0, finished: 1, failed: 2, skipped: 0 })
    expect(engine.workflow.answers.get(`token-${runId(1)}`)).toMatchObject({ kind: 'failure' })
    expect((await submit(engine, runId(2))).outcome).toBe('over')
    expect((await read()).phase).toBe('cancelled')
    await retryRunSet(engine, id)
    expect((await prepare(work)).runs).toHaveLength(2)
  })

  it('cannot be cancelled after its end, nor retried without a failure', async () => {
    const { engine, id, work, runId } = await aSet({ rows: [{ a: 1 }] })
    await prepare(work)
    await expect(retryRunSet(engine, id)).rejects.toMatchObject({ error: 'RUN_SET_INVALID_STATE' })
    await submit(engine, runId(0))
    await end(engine, runId(0))

    await expect(cancelRunSet(engine, id)).rejects.toMatchObject({ error: 'RUN_SET_INVALID_STATE' })
    await expect(retryRunSet(engine, id)).rejects.toMatchObject({ error: 'RUN_SET_INVALID_STATE' })
  })

  it('is deleted with its runs and files', async () => {
    const { engine, id, work, runId } = await aSet({ rows: [{ a: 1 }, { a: 2 }] })
    await prepare(work)

    await deleteRunSet(engine, id)
    expect(await engine.sets.find(id)).toBeUndefined()
    expect((await work()).isDone).toBe(true)

    expect(await engine.runs.findAll([runId(0), runId(1)])).toEqual([])
    const left: string[] = []
    for await (const { key } of engine.objects.list('')) if (key.includes(id.slice(0, 30))) left.push(key)
    expect(left).toEqual([])
    expect(await engine.sets.listIdsByTask(engine.task.id)).toEqual([])
  })

  it('counts a run as failed when it is deleted before its end', async () => {
    const { engine, work, runId, describeIt } = await aSet({ rows: [{ a: 1 }, { a: 2 }] })
    await prepare(work)
    await submit(engine, runId(0))
    await deleteRun(engine, runId(0))
    await submit(engine, runId(1))
    await end(engine, runId(1))

    expect((await describeIt()).counts).toEqual({ waiting: 0, active: 0, finished: 1, failed: 1, skipped: 0 })
    expect((await work()).isDone).toBe(true)
  })

  it('copies the file of a row to its run, and a shared file once', async () => {
    const engine = await anEngine({ task: SET_TASK })
    for (const [id, text] of [
      ['one', 'of the row'],
      ['all', 'of all'],
    ] as const) {
      const key = `uploads/${id}`
      await engine.objects.put(key, text)
      await engine.uploads.create({
        id,
        key,
        purpose: 'input',
        state: 'READY',
        taskId: 'none',
        createdAt: engine.identity.now().toISOString(),
      })
    }
    const { work, runId, id } = await aSet(
      { rows: [{ a: 1 }, { a: 2, file: 'upload:one' }, { a: 3 }], shared: { file: 'upload:all' } },
      engine,
    )
    await prepare(work)

    const keys = await Promise.all(
      [0, 1, 2].map(async (row) => {
        const run = await engine.runs.find(runId(row))
        const values = run === undefined ? [] : await engine.runs.listInputs(run)
        const file = values.find(({ parameterName }) => parameterName === 'file')?.file
        return file !== undefined && 'key' in file ? file.key : ''
      }),
    )
    expect(keys[0]).toBe(keys[2])
    expect(keys[0]).toContain(id)
    expect(keys[1]).toContain(runId(1))
  })

  it('fails when repeated executions cannot create its runs', async () => {
    const { engine, id, read } = await aSet({ rows: [{ a: 1 }] })
    const sweep = async (): Promise<void> => {
      engine.setWorkflow.end(executionNameOf(await read()), 'FAILED')
      engine.identity.advance(3600)
      await sweepRunSets(
        { ...engine, settings: { graceSeconds: 60 } },
        { isTimeUp: () => false, onStarted: () => {}, onProblem: () => {} },
      )
    }

    for (let count = 0; count < 30 && (await read()).phase === 'validating'; count += 1) await sweep()

    expect(await read()).toMatchObject({ id, phase: 'cancelling', failure: expect.any(String) })
  })

  it('gets another execution from the sweeper when it has none', async () => {
    const { engine, id, read } = await aSet({ rows: [{ a: 1 }] })
    const first = executionNameOf(await read())
    engine.setWorkflow.end(first, 'FAILED')
    engine.identity.advance(3600)
    const started: string[] = []
    const sweep = () =>
      sweepRunSets(
        { ...engine, settings: { graceSeconds: 60 } },
        {
          isTimeUp: () => false,
          onStarted: (setId) => started.push(setId),
          onProblem: (_, error) => {
            throw error
          },
        },
      )

    await sweep()
    engine.identity.advance(3600)
    await sweep()

    expect(started).toEqual([id])
    expect(engine.setWorkflow.startedRuns.has(executionNameOf(await read()))).toBe(true)
  })
})
