import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { executionNameOf } from '../../../src/run/set/run-set.ts'
import { describeRunSet } from '../../../src/run-set/describe-run-set.ts'
import { cancelRunSet, deleteRunSet, retryRunSet } from '../../../src/run-set/end-run-set.ts'
import { rowOfRun } from '../../../src/run-set/rows-of-set.ts'
import { writeSetTable } from '../../../src/run-set/set-downloads.ts'
import { sweepRunSets } from '../../../src/run-set/sweep-run-sets.ts'
import { workOnRunSet } from '../../../src/run-set/work-on-run-set.ts'
import { anEngine } from '../../fixtures/engine.ts'
import {
  aSet,
  cancelAfterBlocks,
  complete,
  ENOUGH_MS,
  type Engine,
  execute,
  finish,
  NO_ROWS,
  prepare,
  rowsOf,
  SET_TASK,
  submit,
  type WorkingSet,
} from '../../fixtures/working-set.ts'

const ROWS = 120

describe('a retry', () => {
  it('is possible after a file was removed, whose problem disappears', async () => {
    const engine = await anEngine({ task: SET_TASK })
    const upload = async (): Promise<void> => {
      const key = 'uploads/one'
      await engine.objects.put(key, 'content')
      const facts = { purpose: 'input', state: 'READY', taskId: 'none' } as const
      await engine.uploads.create({
        id: 'one',
        key,
        ...facts,
        createdAt: engine.identity.now().toISOString(),
      })
    }
    await upload()
    const rows = [...rowsOf(60), { a: 60, file: 'upload:one' }]
    const set = await aSet({ rows }, engine)
    await set.work()
    await engine.objects.remove('uploads/one')
    await prepare(set.work)
    const failed = await set.describeIt()
    await engine.objects.put('uploads/one', 'content')

    await retryRunSet(engine, set.id)
    await finish(set)

    expect(failed.state).toBe('FAILED')
    expect(failed.runSet.problems).toMatchObject([{ row: 61, column: 'file' }])
    expect(failed.counts).toEqual({ ...NO_ROWS, failed: 49, skipped: 12 })
    const { state, counts, runSet } = await set.describeIt()
    expect([state, counts]).toEqual(['FINISHED', { ...NO_ROWS, finished: 61 }])
    expect(runSet).toMatchObject({ problems: [], problemCount: 0 })
  })

  it('creates the run of a row from the table when its failed run was deleted meanwhile', async () => {
    const set = await aSet({ rows: rowsOf(3) })
    const { engine, id, work, runId } = set
    await prepare(work)
    await execute(
      engine,
      [0, 1, 2].map((row) => runId(row)),
      false,
    )
    await work()
    await retryRunSet(engine, id)
    const objects: typeof engine.objects = {
      ...engine.objects,
      async put(key, body) {
        await engine.objects.put(key, body)
        if (key.endsWith('round-2.json')) await deleteRun(engine, runId(1))
      },
    }
    await workOnRunSet({ ...engine, objects }, { setId: id, timeLeftMs: () => ENOUGH_MS })

    await finish(set)

    expect((await set.describeIt()).counts).toEqual({ ...NO_ROWS, finished: 3 })
    const run = await engine.runs.find(runId(1, 2))
    expect(run && (await engine.runs.listInputs(run))).toMatchObject([{ file: { text: '1' } }, {}])
  })

  /** The counts after the retry of a set of three rows, the first of which failed, and the rows that were retried. */
  async function retryAfterDeletion(finished: readonly number[], deleted: readonly number[], own?: Engine) {
    const set = await aSet({ rows: rowsOf(3) }, own)
    const { engine, id, work, runId } = set
    await prepare(work)
    for (const row of [0, 1, 2]) await execute(engine, [runId(row)], finished.includes(row))
    await work()
    for (const row of deleted) await deleteRun(engine, runId(row))

    await retryRunSet(engine, id)
    await finish(set)

    const again = await engine.runs.findAll([0, 1, 2].map((row) => runId(row, 2)))
    return { counts: (await set.describeIt()).counts, rows: again.map(rowOfRun).sort() }
  }

  it.each([
    ['runs a failed row', [2], [1], { rows: [0, 1], finished: 3, failed: 0 }],
    ['leaves a finished row', [1, 2], [1], { rows: [0], finished: 3, failed: 0 }],
    ['runs the failed row of two', [2], [1, 2], { rows: [0, 1], finished: 3, failed: 0 }],
    ['runs the failed rows', [1], [0, 1, 2], { rows: [0, 2], finished: 3, failed: 0 }],
  ])('%s whose run was deleted before', async (_, finished, deleted, { rows, ...counts }) => {
    expect(await retryAfterDeletion(finished, deleted)).toEqual({ counts: { ...NO_ROWS, ...counts }, rows })
  })

  it('knows the failed row whose run of an earlier retry was deleted', async () => {
    const set = await aSet({ rows: rowsOf(3) })
    const { engine, id, work, runId } = set
    await prepare(work)
    for (const row of [0, 1, 2]) await execute(engine, [runId(row)], row === 2)
    await work()
    await retryRunSet(engine, id)
    await prepare(work)
    await execute(engine, [runId(0, 2)])
    await execute(engine, [runId(1, 2)], false)
    await work()
    for (const run of [runId(0, 2), runId(1, 2), runId(2)]) await deleteRun(engine, run)

    await retryRunSet(engine, id)
    await finish(set)

    const again = await engine.runs.findAll([0, 1, 2].map((row) => runId(row, 3)))
    expect(again.map(rowOfRun)).toEqual([1])
  })

  it('gets as many executions from the sweeper as a new set', async () => {
    const { engine, id, work, read } = await aSet({ rows: [{ a: 1 }] })
    for (let count = 0; count < 15; count += 1) {
      await cancelRunSet(engine, id)
      await work()
      await retryRunSet(engine, id)
    }
    engine.setWorkflow.end(executionNameOf(await read()), 'FAILED')
    engine.identity.advance(3600)

    await sweepRunSets(
      { ...engine, settings: { graceSeconds: 60 } },
      { isTimeUp: () => false, onStarted: () => {}, onProblem: () => {} },
    )

    expect(await read()).toMatchObject({ phase: 'validating' })
  })

  it('is followed by a deletion of the runs of all rounds', async () => {
    const set = await aSet({ rows: rowsOf(ROWS) })
    const { engine, id, work } = set
    await cancelAfterBlocks(set, 1)
    await retryRunSet(engine, id)
    await cancelAfterBlocks(set, 2)

    await deleteRunSet(engine, id)
    await complete(work)

    expect(await engine.runs.findAll(idsOf(set))).toEqual([])
    expect(engine.objects.keys().filter((key) => key.includes(id.slice(0, 30)))).toEqual([])
  })
})

const idsOf = ({ runId }: WorkingSet): readonly string[] =>
  [1, 2].flatMap((round) => Array.from({ length: ROWS }, (_, row) => runId(row, round)))

describe('the table of outputs', () => {
  const linesOf = async (engine: Engine, { read }: WorkingSet): Promise<readonly string[]> => {
    const key = await writeSetTable(engine, { runSet: await read(), task: engine.task })
    const body = await engine.objects.read(key)
    return body === undefined ? [] : (await text(body)).trimEnd().split('\r\n').slice(1)
  }

  it('has a line for each row, also for those without a run', async () => {
    const set = await aSet({ rows: rowsOf(ROWS) })
    await cancelAfterBlocks(set, 1)
    await deleteRun(set.engine, set.runId(1))

    const lines = await linesOf(set.engine, set)

    expect(lines).toHaveLength(ROWS)
    expect(lines[0]).toBe(`1,${set.runId(0)},FAILED,the run was cancelled,,0,`)
    expect(lines[1]).toBe('2,,DELETED,the run was deleted,,1,')
    expect(lines[119]).toBe('120,,SKIPPED,the run set ended before this row had a run,,119,')
  })

  it('has the shared values of rows without a value of their own', async () => {
    const set = await aSet({ rows: [{ a: 1 }, { a: 2, text: 'own' }], shared: { text: 'shared' } })
    await set.work()

    expect(await linesOf(set.engine, set)).toEqual(['1,,WAITING,,,1,shared,', '2,,WAITING,,,2,own,'])
  })

  it('says that a table was refused', async () => {
    const set = await aSet({ rows: [{ a: -1 }] })
    await complete(set.work)

    expect(await linesOf(set.engine, set)).toEqual(['1,,SKIPPED,the table was refused,,-1,'])
  })

  it('names rows whose run is not created yet', async () => {
    const set = await aSet({ rows: rowsOf(2) })
    await set.work()

    expect(await linesOf(set.engine, set)).toEqual(['1,,WAITING,,,0,', '2,,WAITING,,,1,'])
  })
})

describe('a group of failures', () => {
  it('keeps its kind when the run of its example is deleted', async () => {
    const set = await aSet({ rows: rowsOf(3) })
    const ids = [0, 1, 2].map((row) => set.runId(row))
    await prepare(set.work)
    await execute(set.engine, ids, false)
    const [before] = (await set.describeIt()).failures
    await deleteRun(set.engine, before?.example.runId ?? '')

    const [after] = (await set.describeIt()).failures

    expect(before).toMatchObject({ kind: 'task-failed', count: 3, message: 'exit code 3' })
    expect(after).toMatchObject({ kind: 'task-failed', count: 3 })
    expect(after?.message).toContain('a run that was deleted')
  })
})

describe('counts of a run set', () => {
  it('are never negative and add up to its rows when runs start between two reads', async () => {
    const set = await aSet({ rows: rowsOf(2) })
    const views = [await set.read()]
    await prepare(set.work)
    views.push(await set.read())
    await execute(set.engine, [set.runId(0), set.runId(1)], false)
    await set.work()
    views.push(await set.read())
    await retryRunSet(set.engine, set.id)
    views.push(await set.read())
    await prepare(set.work)
    await submit(set.engine, set.runId(0, 2))

    for (const before of views) {
      const { counts } = await describeRunSet(set.engine, before)
      expect(Object.values(counts).every((count) => count >= 0)).toBe(true)
      expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(before.roundRows[0])
    }
  })
})
