import { describe, expect, it } from 'vitest'
import { MAX_RUNS_AT_ONCE } from '../../../src/run/run-repository.ts'
import { cancelRunSet, retryRunSet } from '../../../src/run-set/end-run-set.ts'
import { workOnRunSet } from '../../../src/run-set/work-on-run-set.ts'
import { anInput, aTask } from '../../fixtures/builders.ts'
import {
  aSet,
  cancelAfterBlocks,
  execute,
  finish,
  listedRounds,
  NO_ROWS,
  oneBlock,
  prepare,
  roundsOf,
  rowsOf,
} from '../../fixtures/working-set.ts'

const ROWS = 120

describe('rows of a run set that got no run in a round', () => {
  it('are skipped when the table is refused, which cannot be retried', async () => {
    const { engine, id, work, describeIt } = await aSet({ rows: [{ a: 1 }, { a: 'x' }] })

    await prepare(work)

    const { state, counts } = await describeIt()
    expect([state, counts]).toEqual(['FAILED', { ...NO_ROWS, skipped: 2 }])
    await expect(retryRunSet(engine, id)).rejects.toMatchObject({
      explanation: expect.stringContaining('table was refused'),
    })
  })

  it('are skipped when one has an array of images, which only single runs can have', async () => {
    const type = { id: 'array', allowMissing: false, subType: { id: 'image' } } as const
    const task = aTask({ inputs: [anInput({ name: 'images', type })] })
    const { work, describeIt } = await aSet({ rows: [{ images: ['upload:one'] }], task })

    await prepare(work)

    const { state, runSet } = await describeIt()
    expect([state, runSet.problems]).toMatchObject([
      'FAILED',
      [{ column: 'images', message: expect.stringContaining('cannot have an array of images or files') }],
    ])
  })

  it('have no counts when the table cannot be read', async () => {
    const { engine, id, work, describeIt } = await aSet({ rows: [{ a: 1 }] })
    await engine.objects.put(`task-run-set-${id}/rows`, '{')

    await prepare(work)

    const { state, counts } = await describeIt()
    expect([state, counts]).toEqual(['FAILED', NO_ROWS])
  })

  it.each([
    ['CSV', 'a,text\n1,café\n'],
    ['JSON lines', '{"a": 1, "text": "café"}\n'],
  ])('have no counts when the table is not UTF-8: %s', async (_, table) => {
    const { engine, id, work, describeIt } = await aSet({ rows: [{ a: 1 }] })
    await engine.objects.put(`task-run-set-${id}/rows`, Buffer.from(table, 'latin1'))

    await prepare(work)

    const { state, runSet } = await describeIt()
    expect([state, runSet.problems]).toMatchObject([
      'FAILED',
      [{ message: expect.stringMatching(/^the table is not UTF-8 text; save it in this encoding/u) }],
    ])
  })

  it.each([
    ['before the table was read', 0],
    ['while the table was validated', 500],
  ])('are validated and run by a retry when the set was cancelled %s', async (_, done) => {
    const set = await aSet({ rows: rowsOf(600) })
    const { engine, id, work, read, describeIt, runId } = set
    if (done > 0) await workOnRunSet(engine, { setId: id, timeLeftMs: oneBlock() })
    expect((await read()).done).toBe(done)

    await cancelRunSet(engine, id)
    await work()
    const cancelled = await describeIt()
    await retryRunSet(engine, id)
    const again = await describeIt()
    const { runs, prefix } = await prepare(work)

    expect([cancelled.state, cancelled.counts]).toEqual(['CANCELLED', { ...NO_ROWS, skipped: done && 600 }])
    expect(again.state).toBe('VALIDATING')
    expect(runs).toHaveLength(600)
    expect(prefix + runs[599]).toBe(runId(599, 2))
    expect((await describeIt()).counts).toEqual({ ...NO_ROWS, waiting: 600 })
  })

  it('make a repeated validation report each problem once', async () => {
    const set = await aSet({ rows: Array.from({ length: 600 }, () => ({ a: -1 })) })
    const { engine, id, work, read, describeIt } = set
    await workOnRunSet(engine, { setId: id, timeLeftMs: oneBlock() })
    await cancelRunSet(engine, id)
    await work()

    await retryRunSet(engine, id)
    await prepare(work)

    expect(await read()).toMatchObject({ phase: 'invalid', problemCount: 600 })
    expect((await describeIt()).counts).toEqual({ ...NO_ROWS, skipped: 600 })
  })

  it('are skipped when the set is cancelled between two blocks, and run by a retry', async () => {
    const set = await aSet({ rows: rowsOf(ROWS), shared: { text: 'all' } })
    const { engine, id, describeIt } = set

    await cancelAfterBlocks(set, 1)

    const { state, counts } = await describeIt()
    expect([state, counts]).toEqual(['CANCELLED', { ...NO_ROWS, failed: 49, skipped: 71 }])
    await retryRunSet(engine, id)
    const { runs, prefix } = await prepare(set.work)
    expect(runs).toHaveLength(ROWS)
    expect((await describeIt()).counts).toEqual({ ...NO_ROWS, waiting: ROWS })
    for (const row of [48, 49, ROWS - 1]) {
      const run = await engine.runs.find(set.runId(row, 2))
      const values = run === undefined ? [] : await engine.runs.listInputs(run)
      const texts = Object.fromEntries(
        values.map(({ parameterName, file }) => [parameterName, 'text' in file ? file.text : file]),
      )
      expect(texts).toEqual({ a: String(row), text: 'all' })
    }
    await execute(
      engine,
      runs.map((place) => prefix + place),
    )
    expect((await describeIt()).counts).toEqual({ ...NO_ROWS, finished: ROWS })
    expect(await listedRounds(set)).toEqual(roundsOf([ROWS, 2]))
  })

  it('count as waiting until the worker has ended the runs of a cancelled set', async () => {
    const set = await aSet({ rows: rowsOf(3) })
    await prepare(set.work)
    await cancelRunSet(set.engine, set.id)

    const { state, counts } = await set.describeIt()

    expect([state, counts]).toEqual(['CANCELLED', { ...NO_ROWS, waiting: 3 }])
    await set.work()
    expect((await set.describeIt()).counts).toEqual({ ...NO_ROWS, failed: 3 })
  })

  it('keep the failed run of the round before when a retry is cancelled before it reaches them', async () => {
    const set = await aSet({ rows: rowsOf(ROWS) })
    const { engine, id, work, runId } = set
    await prepare(work)
    const ids = Array.from({ length: ROWS }, (_, row) => runId(row))
    await execute(engine, ids.slice(0, 60), false)
    await execute(engine, ids.slice(60))
    await work()
    await retryRunSet(engine, id)

    await cancelAfterBlocks(set, 1)

    expect((await set.describeIt()).counts).toEqual({ ...NO_ROWS, finished: 60, failed: 60 })
    expect(await listedRounds(set)).toEqual(roundsOf([49, 2], [71, 1]))
    await retryRunSet(engine, id)
    await finish(set)
    expect((await set.describeIt()).counts).toEqual({ ...NO_ROWS, finished: ROWS })
    expect(await listedRounds(set)).toEqual(roundsOf([60, 3], [60, 1]))
  })

  it('stay skipped when a retry is cancelled too, and are run by the next one', async () => {
    const set = await aSet({ rows: rowsOf(ROWS) })
    await cancelAfterBlocks(set, 1)
    await retryRunSet(set.engine, set.id)
    await cancelAfterBlocks(set, 0)
    expect((await set.describeIt()).counts).toEqual({ ...NO_ROWS, failed: 49, skipped: 71 })
    await retryRunSet(set.engine, set.id)

    await cancelAfterBlocks(set, 2)

    expect((await set.describeIt()).counts).toEqual({ ...NO_ROWS, failed: 98, skipped: 22 })
    expect(await listedRounds(set)).toEqual(roundsOf([98, 3]))
    await retryRunSet(set.engine, set.id)
    await finish(set)
    expect((await set.describeIt()).counts).toEqual({ ...NO_ROWS, finished: ROWS })
    expect(await listedRounds(set)).toEqual(roundsOf([ROWS, 4]))
  })

  it('are listed with their earlier run while a retry creates another, and while it is cancelled', async () => {
    const set = await aSet({ rows: rowsOf(ROWS) })
    const { engine, id, work, runId } = set
    await prepare(work)
    const ids = Array.from({ length: ROWS }, (_, row) => runId(row))
    await execute(engine, ids, false)
    await work()
    await retryRunSet(engine, id)
    await workOnRunSet(engine, { setId: id, timeLeftMs: oneBlock() })

    expect(await listedRounds(set)).toEqual(roundsOf([MAX_RUNS_AT_ONCE, 2], [ROWS - MAX_RUNS_AT_ONCE, 1]))
    await cancelRunSet(engine, id)
    expect(await listedRounds(set)).toEqual(roundsOf([MAX_RUNS_AT_ONCE, 2], [ROWS - MAX_RUNS_AT_ONCE, 1]))
  })

  it('are counted and retried in a set that an earlier version stored after such a cancellation', async () => {
    const set = await aSet({ rows: rowsOf(ROWS) })
    const { engine, id, work, runId, read } = set
    await prepare(work)
    await execute(
      engine,
      Array.from({ length: ROWS }, (_, row) => runId(row)),
      false,
    )
    await work()
    await retryRunSet(engine, id)
    await cancelAfterBlocks(set, 1)
    // Earlier versions stored the number of all rows of the round.
    expect(await read()).toMatchObject({ phase: 'cancelled', round: 2, roundRows: [ROWS, ROWS] })

    expect((await set.describeIt()).counts).toEqual({ ...NO_ROWS, failed: ROWS })
    await retryRunSet(engine, id)
    await finish(set)
    expect((await set.describeIt()).counts).toEqual({ ...NO_ROWS, finished: ROWS })
  })

  it('cost nothing more once the set is cancelled', async () => {
    const set = await aSet({ rows: rowsOf(ROWS) })
    await cancelAfterBlocks(set, 1)

    expect((await set.describeIt()).remainingUsd).toBeUndefined()
    await retryRunSet(set.engine, set.id)
    const { prefix, runs } = await prepare(set.work)
    await execute(set.engine, [prefix + runs[0]])
    await cancelRunSet(set.engine, set.id)
    expect((await set.describeIt()).remainingUsd).toBe(0)
    await set.work()
    expect((await set.describeIt()).remainingUsd).toBe(0)
  })
})
