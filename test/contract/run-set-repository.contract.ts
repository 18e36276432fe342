import { beforeEach, describe, expect, it } from 'vitest'
import { setRunId } from '../../src/contract/set-run-id.ts'
import type { JobUsage, RunFailure } from '../../src/run/run.ts'
import {
  MAX_RUNS_AT_ONCE,
  type NewRun,
  type RunRepository,
  RunStateConflictError,
} from '../../src/run/run-repository.ts'
import type { RunSetRepository } from '../../src/run/set/run-set-repository.ts'
import { MAX_REASONS, otherReasonsKey, reasonKey } from '../../src/run/set/set-counts.ts'
import type { TaskRepository } from '../../src/task/task-repository.ts'
import { aRun, aTask, TASK_ID } from '../fixtures/builders.ts'
import type { FixedIdentity } from '../fixtures/fixed-identity.ts'
import { aRunSet, SET_ID } from '../fixtures/run-sets.ts'

interface RunSetRepositoryHarness {
  readonly sets: RunSetRepository
  readonly runs: RunRepository
  readonly tasks: TaskRepository
  readonly identity: FixedIdentity
}

const FAILURE: RunFailure = { kind: 'task-failed', message: 'exit code 3 of slide 17' }
const USAGE: JobUsage = {
  queueSeconds: 1,
  jobSeconds: 60,
  vcpuSeconds: 120,
  memoryGibSeconds: 240,
  diskGibSeconds: 0,
  gpuSeconds: 0,
  usd: 0.5,
  pricesOf: '2026-01-01',
}
const JOB = { attempt: 1, jobName: 'run-1' }

const idOf = (row: number, round = 1): string => setRunId({ setId: SET_ID, row, round })

/** Contract of every run set repository. `setUp` returns an empty one for each test. */
export function describeRunSetRepository(
  adapter: string,
  setUp: () => Promise<RunSetRepositoryHarness>,
): void {
  describe(`run set repository (${adapter})`, () => {
    let sets: RunSetRepository
    let runs: RunRepository
    let identity: FixedIdentity

    beforeEach(async () => {
      const harness = await setUp()
      sets = harness.sets
      runs = harness.runs
      identity = harness.identity
      const task = aTask()
      const { namespace, version } = task
      await harness.tasks.reserveName({ namespace, version, uploadId: 'upload', leaseSeconds: 60 })
      await harness.tasks.publish(task, 'upload')
    })

    const later = (): Date => new Date(identity.now().getTime() + 60_000)
    const createRuns = (rows: number, round = 1) =>
      runs.createAll(
        Array.from({ length: rows }, (_, row): NewRun => {
          const id = idOf(row, round)
          const file = { kind: 'inline', text: String(row) } as const
          return {
            run: aRun({ id, state: 'PROVISIONED', provisions: { a: { kind: 'value', valueId: 'v' } } }),
            values: [{ runId: id, parameterName: 'a', valueId: 'v', file }],
          }
        }),
      )
    const start = (row: number, round = 1) =>
      runs.transition(idOf(row, round), { to: 'QUEUING', from: ['PROVISIONED'], set: { job: JOB } })
    const numbersOf = async (round = 1) => {
      const { started, finished, failed, unstarted, usd } = (await sets.counts(SET_ID))[round - 1] ?? {}
      return { started, finished, failed, unstarted, usd }
    }

    describe('sets', () => {
      it('are stored unchanged', async () => {
        await sets.create(aRunSet({ name: 'cohort' }))

        expect(await sets.find(SET_ID)).toEqual(aRunSet({ name: 'cohort' }))
        expect(await sets.find(SET_ID.replace('2', '3'))).toBeUndefined()
      })

      it('are refused for a task that does not exist', async () => {
        await expect(
          sets.create(aRunSet({ taskId: '99999999-9999-4999-8999-999999999999' })),
        ).rejects.toMatchObject({
          error: 'INTERNAL_TASK_NOT_FOUND',
        })
      })

      it('are changed only if they have the expected values', async () => {
        await sets.create(aRunSet())

        const changed = await sets.change(SET_ID, {
          set: { phase: 'cancelling', executions: 2 },
          if: { executions: 1 },
        })
        const refused = await sets.change(SET_ID, { set: { phase: 'finished' }, if: { phase: 'running' } })

        expect(changed).toMatchObject({ phase: 'cancelling', executions: 2 })
        expect(refused).toBeUndefined()
        expect(await sets.find(SET_ID)).toMatchObject({ phase: 'cancelling' })
      })

      it('lose attributes that a change removes', async () => {
        await sets.create(aRunSet({ failure: 'a file is gone' }))

        const changed = await sets.change(SET_ID, { set: { phase: 'creating' }, remove: ['failure'], if: {} })

        expect(changed).toMatchObject({ phase: 'creating' })
        expect(changed).not.toHaveProperty('failure')
        expect(await sets.find(SET_ID)).toEqual(changed)
        expect(await sets.listUnfinished(later(), 10)).toEqual([SET_ID])
      })

      it('are listed newest first, page by page', async () => {
        const ids = ['a', 'b', 'c'].map((digit) => SET_ID.replace('2', digit))
        for (const [day, id] of ids.entries()) {
          await sets.create(aRunSet({ id, createdAt: `2026-01-0${day + 1}T00:00:00.000Z` }))
        }

        const first = await sets.list(2)
        const second = await sets.list(2, first.next)

        expect(first.sets.map(({ id }) => id)).toEqual([ids[2], ids[1]])
        expect(second.sets.map(({ id }) => id)).toEqual([ids[0]])
        expect(second.next).toBeUndefined()
        expect(new Set(await sets.listIdsByTask(TASK_ID))).toEqual(new Set(ids))
      })

      it('are listed to the end when all sets of a page are being removed', async () => {
        const ids = ['a', 'b', 'c', 'd'].map((digit) => SET_ID.replace('2', digit))
        for (const [day, id] of ids.entries()) {
          await sets.create(aRunSet({ id, createdAt: `2026-01-0${day + 1}T00:00:00.000Z` }))
        }
        for (const id of ids.slice(1)) await sets.beginRemoval(id)

        const pages = [await sets.list(1)]
        for (let next = pages[0]?.next; next !== undefined; next = pages.at(-1)?.next) {
          pages.push(await sets.list(1, next))
        }

        expect(pages.map((page) => page.sets.map(({ id }) => id))).toEqual([[], [], [], [ids[0]]])
      })

      it('are listed as unfinished until their phase is final', async () => {
        await sets.create(aRunSet({ updatedAt: identity.now().toISOString() }))
        expect(await sets.listUnfinished(later(), 10)).toEqual([SET_ID])

        await sets.change(SET_ID, { set: { phase: 'finished' }, if: {} })
        expect(await sets.listUnfinished(later(), 10)).toEqual([])

        await sets.change(SET_ID, { set: { phase: 'creating' }, if: {} })
        expect(await sets.listUnfinished(later(), 10)).toEqual([SET_ID])
      })

      it('are hidden while they are being removed, and listed as unfinished until then', async () => {
        await sets.create(aRunSet({ phase: 'finished' }))

        const hidden = await sets.beginRemoval(SET_ID)

        expect(hidden).toMatchObject({ executions: 2 })
        expect(await sets.find(SET_ID)).toBeUndefined()
        expect((await sets.list(10)).sets).toEqual([])
        expect(await sets.change(SET_ID, { set: { phase: 'running' }, if: {} })).toBeUndefined()
        expect(await sets.listUnfinished(later(), 10)).toEqual([SET_ID])
        expect(await sets.findInRemoval(SET_ID)).toMatchObject({ id: SET_ID })
        await sets.endRemoval(hidden ?? aRunSet())
        expect(await sets.listUnfinished(later(), 10)).toEqual([])
        expect(await sets.listIdsByTask(TASK_ID)).toEqual([])
      })

      it('leave a hidden record after their removal, which prevents another removal', async () => {
        await sets.create(aRunSet({ phase: 'creating', creatingRows: [3, 4] }))
        const hidden = (await sets.beginRemoval(SET_ID)) ?? aRunSet()
        identity.advance(1)

        await sets.endRemoval(hidden)

        const until = identity.now()
        identity.advance(1)
        expect(await sets.beginRemoval(SET_ID)).toBeUndefined()
        expect(await sets.find(SET_ID)).toBeUndefined()
        expect(await sets.counts(SET_ID)).toEqual([])
        await expect
          .poll(() => sets.listRemoved(until, 10))
          .toMatchObject([{ id: SET_ID, creatingRows: [3, 4] }])
        expect(await sets.listRemoved(new Date(until.getTime() - 1), 10)).toEqual([])
        await sets.remove(hidden)
        expect(await sets.findInRemoval(SET_ID)).toBeUndefined()
        await expect.poll(() => sets.listRemoved(until, 10)).toEqual([])
      })
    })

    describe('runs of a set', () => {
      beforeEach(() => sets.create(aRunSet({ phase: 'creating' })))

      it('are created once, together with their values', async () => {
        await createRuns(2)
        await start(0)
        await createRuns(2)

        const [first, second] = [await runs.find(idOf(0)), await runs.find(idOf(1))]
        expect([first?.state, second?.state]).toEqual(['QUEUING', 'PROVISIONED'])
        expect(second && (await runs.listInputs(second))).toMatchObject([{ file: { text: '1' } }])
        expect(new Set(await runs.listIdsByTask(TASK_ID))).toEqual(new Set([idOf(0), idOf(1)]))
      })

      it('are created for installed tasks only', async () => {
        const taskId = '99999999-9999-4999-8999-999999999999'
        const create = runs.createAll([{ run: aRun({ id: idOf(0), taskId }), values: [] }])

        await expect(create).rejects.toMatchObject({ error: 'INTERNAL_TASK_NOT_FOUND' })
      })

      it('are created only in the current round of their set, and only while it is creating runs', async () => {
        await expect(createRuns(1, 2)).rejects.toMatchObject({ error: 'RUN_SET_INVALID_STATE' })
        await sets.change(SET_ID, { set: { phase: 'cancelling' }, if: {} })
        await expect(createRuns(1)).rejects.toMatchObject({ error: 'RUN_SET_INVALID_STATE' })
        await sets.change(SET_ID, { set: { phase: 'creating' }, if: {} })
        await sets.beginRemoval(SET_ID)
        await expect(createRuns(1)).rejects.toMatchObject({ error: 'RUN_SET_INVALID_STATE' })

        expect(await runs.listIdsByTask(TASK_ID)).toEqual([])
      })

      it('are created by a repeated call when some of them exist already', async () => {
        await createRuns(2)
        await createRuns(4)

        expect(await runs.findAll([0, 1, 2, 3].map((row) => idOf(row)))).toHaveLength(4)
      })

      it('are created even with the largest provisions', async () => {
        const indexes = Array.from({ length: 15_000 }, (_, index) => 10_000 + 2 * index)
        const provisions = { a: { kind: 'value', valueId: 'v', size: 70_000, indexes } } as const
        const large = Array.from({ length: MAX_RUNS_AT_ONCE }, (_, row) => ({
          run: aRun({ id: idOf(row), state: 'PROVISIONED' as const, provisions }),
          values: [],
        }))

        await runs.createAll(large)
        await runs.createAll(large)

        expect(await runs.findAll(large.map(({ run }) => run.id))).toHaveLength(MAX_RUNS_AT_ONCE)
      })

      it('are counted when they start and when they end', async () => {
        await createRuns(3)
        for (const row of [0, 1]) await start(row)
        await runs.transition(idOf(0), { to: 'QUEUED', ifJob: JOB, set: { job: { ...JOB, jobId: 'job' } } })
        await runs.transition(idOf(0), { to: 'RUNNING' })
        await runs.recordJob(idOf(0), { ...JOB, jobId: 'job', usage: USAGE })
        await runs.transition(idOf(0), { to: 'FINISHED', set: { outputsPrefix: 'p/' } })
        await runs.transition(idOf(1), {
          to: 'FAILED',
          set: { failure: FAILURE, job: { ...JOB, usage: USAGE } },
        })
        await runs.transition(idOf(2), {
          to: 'FAILED',
          set: { failure: { kind: 'cancelled', message: 'c' } },
        })

        expect(await numbersOf()).toEqual({ started: 2, finished: 1, failed: 2, unstarted: 1, usd: 1 })
        expect((await sets.counts(SET_ID))[0]?.failedRows).toEqual(new Set([1, 2]))
      })

      it('are counted when the set is read together with its counts', async () => {
        await createRuns(2)
        await start(0)

        const found = await sets.findCounted(SET_ID)

        expect(found).toEqual({ runSet: await sets.find(SET_ID), rounds: await sets.counts(SET_ID) })
        expect(found?.rounds).toMatchObject([{ started: 1 }])
        await sets.beginRemoval(SET_ID)
        expect(await sets.findCounted(SET_ID)).toBeUndefined()
      })

      it('are not counted again by a transition that is repeated or refused', async () => {
        await createRuns(1)
        await start(0)
        await expect(start(0)).rejects.toThrow(RunStateConflictError)
        const fail = () => runs.transition(idOf(0), { to: 'FAILED', ifJob: JOB, set: { failure: FAILURE } })
        await fail()
        await expect(fail()).rejects.toThrow(RunStateConflictError)
        const wrongJob = runs.transition(idOf(0), { to: 'FINISHED', ifJob: { ...JOB, attempt: 2 } })
        await expect(wrongJob).rejects.toThrow(RunStateConflictError)

        expect(await numbersOf()).toEqual({ started: 1, finished: 0, failed: 1, unstarted: 0, usd: 0 })
      })

      it('add the cost that their job reports after its end, once', async () => {
        await createRuns(1)
        await start(0)
        await runs.transition(idOf(0), { to: 'FAILED', set: { failure: FAILURE } })

        expect(await runs.recordUsage(idOf(0), 1, USAGE)).toBe(true)
        expect(await runs.recordUsage(idOf(0), 1, USAGE)).toBe(false)

        expect(await numbersOf()).toMatchObject({ failed: 1, usd: 0.5 })
      })

      it('are counted correctly when many start and end concurrently', async () => {
        await createRuns(40)
        await Promise.all(Array.from({ length: 40 }, (_, row) => start(row)))
        await Promise.all(
          Array.from({ length: 40 }, (_, row) => runs.transition(idOf(row), { to: 'FINISHED', set: {} })),
        )

        expect(await numbersOf()).toMatchObject({ started: 40, finished: 40 })
      })

      it('are grouped by the reason of their failure, with an example', async () => {
        await createRuns(4)
        for (const [row, message] of ['slide 17', 'slide 18\nlog', 'no image', 'slide 2'].entries()) {
          await start(row)
          await runs.transition(idOf(row), {
            to: 'FAILED',
            set: { failure: { kind: 'task-failed', message } },
          })
        }

        const reasons = (await sets.counts(SET_ID))[0]?.reasons
        expect(reasons?.get(reasonKey({ kind: 'task-failed', message: 'slide 1' }))).toMatchObject({
          count: 3,
        })
        expect(reasons?.get(reasonKey({ kind: 'task-failed', message: 'no image' }))).toEqual({
          count: 1,
          row: 2,
        })
      })

      it('are grouped by a limited number of reasons, and counted together by kind beyond it', async () => {
        // Rows with the same counts item.
        const rows = Array.from({ length: MAX_REASONS + 3 }, (_, index) => 16 * index)
        for (let start = 0; start < rows.length; start += MAX_RUNS_AT_ONCE) {
          const block = rows.slice(start, start + MAX_RUNS_AT_ONCE)
          await runs.createAll(
            block.map((row) => ({ run: aRun({ id: idOf(row), state: 'PROVISIONED' }), values: [] })),
          )
        }
        const fail = async (row: number, message: string): Promise<void> => {
          await start(row)
          await runs.transition(idOf(row), {
            to: 'FAILED',
            set: { failure: { kind: 'task-failed', message } },
          })
        }
        for (const [index, row] of rows.slice(0, -1).entries())
          await fail(row, `reason ${'x'.repeat(index + 1)}`)
        await fail(rows.at(-1) ?? 0, 'reason x')

        const [counts] = await sets.counts(SET_ID)
        const reasons = counts?.reasons ?? new Map()
        expect(counts?.failed).toBe(rows.length)
        expect(reasons.size).toBe(MAX_REASONS + 1)
        expect(reasons.get(reasonKey({ kind: 'task-failed', message: 'reason x' }))).toMatchObject({
          count: 2,
        })
        expect(reasons.get(otherReasonsKey('task-failed'))).toEqual({ count: 2, row: rows.at(-2) })
      })

      it('are counted by round', async () => {
        await createRuns(1, 1)
        await sets.change(SET_ID, { set: { round: 2 }, if: {} })
        await createRuns(1, 2)
        await start(0, 2)

        expect(await numbersOf(2)).toMatchObject({ started: 1 })
        expect((await numbersOf(1)).started).toBe(0)
      })
    })
  })
}
