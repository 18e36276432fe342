import { beforeEach, describe, expect, it } from 'vitest'
import type { InputValue, JobUsage, Provision, Run, RunJob } from '../../src/run/run.ts'
import { type RunRepository, RunStateConflictError } from '../../src/run/run-repository.ts'
import { rowOf } from '../../src/run/run-row.ts'
import { isActive, isFinal, RUN_STATES, type RunState, statesBefore } from '../../src/run/transitions.ts'
import type { TaskRepository } from '../../src/task/task-repository.ts'
import { aRun, aTask } from '../fixtures/builders.ts'
import type { FixedIdentity } from '../fixtures/fixed-identity.ts'

interface RunRepositoryHarness {
  readonly runs: RunRepository
  readonly tasks: TaskRepository
  readonly identity: FixedIdentity
}

const OTHER_TASK = '99999999-9999-4999-8999-999999999999'
const JOB: RunJob = { attempt: 1, jobName: 'run-1' }
const USAGE: JobUsage = {
  queueSeconds: 1.5,
  jobSeconds: 60,
  vcpuSeconds: 120,
  memoryGibSeconds: 240,
  diskGibSeconds: 0,
  gpuSeconds: 0,
  usd: 0.001646,
  pricesOf: '2026-01-01',
}
const STEPS = RUN_STATES.flatMap((from) => RUN_STATES.map((to) => ({ from, to })))

/** @returns the error of a refused change, which contains the stored run */
async function conflictOf(change: Promise<unknown>): Promise<RunStateConflictError> {
  const outcome = await change.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (outcome instanceof RunStateConflictError) return outcome
  throw new Error('the change was not refused', { cause: outcome })
}

/** Contract of every run repository. `setUp` returns an empty one for each test. */
export function describeRunRepository(adapter: string, setUp: () => Promise<RunRepositoryHarness>): void {
  describe(`run repository (${adapter})`, () => {
    let runs: RunRepository
    let tasks: TaskRepository
    let identity: FixedIdentity

    beforeEach(async () => {
      const harness = await setUp()
      runs = harness.runs
      tasks = harness.tasks
      identity = harness.identity
      await install(aTask())
    })

    async function install(task: ReturnType<typeof aTask>): Promise<void> {
      const { namespace, version } = task
      await tasks.reserveName({ namespace, version, uploadId: 'upload', leaseSeconds: 60 })
      await tasks.publish(task, 'upload')
    }

    const provide = (run: Pick<Run, 'id'>, name: string, provision: Provision) =>
      runs.recordProvisions(run.id, { [name]: provision })

    async function createRun(changes: Partial<Run> = {}): Promise<Run> {
      const run = aRun({ id: identity.uuid(), ...changes })
      await runs.create(run)
      return run
    }

    async function storeValue(run: Run, changes: Partial<InputValue> = {}): Promise<InputValue> {
      const value: InputValue = {
        runId: run.id,
        parameterName: 'a',
        valueId: identity.uuid(),
        file: { kind: 'inline', text: '42' },
        ...changes,
      }
      await runs.putInput(value)
      return value
    }

    describe('creation', () => {
      it('stores the run unchanged', async () => {
        const run = await createRun({
          state: 'FAILED',
          updatedAt: '2026-01-01T00:00:01.000Z',
          provisions: { a: { kind: 'value', valueId: 'v' }, b: { kind: 'cleared' } },
          job: {
            ...JOB,
            jobId: 'job',
            taskToken: 'token',
            logStreamName: 'stream',
            succeededAttempt: 2,
            taskExitCode: 0,
          },
          outputsPrefix: 'outputs/',
          failure: { kind: 'task-failed', message: 'the task ended with code 3', exitCode: 3, attempt: 1 },
        })

        expect(await runs.find(run.id)).toStrictEqual(run)
      })

      it('omits unknown facts', async () => {
        const run = await createRun()

        expect(await runs.find(run.id)).toStrictEqual(run)
      })

      it('refuses a second run with the same id', async () => {
        const run = await createRun()

        await expect(runs.create({ ...run, secret: 'another' })).rejects.toThrow()

        expect(await runs.find(run.id)).toEqual(run)
      })

      it('is refused for a missing task, and stores nothing', async () => {
        const run = aRun({ id: identity.uuid(), taskId: OTHER_TASK })

        await expect(runs.create(run)).rejects.toMatchObject({ error: 'INTERNAL_TASK_NOT_FOUND' })

        expect(await runs.find(run.id)).toBeUndefined()
        expect(await runs.listIdsByTask(OTHER_TASK)).toEqual([])
      })

      it('is refused for a task that is being removed', async () => {
        await tasks.beginRemoval(aTask())

        await expect(createRun()).rejects.toMatchObject({ error: 'INTERNAL_TASK_NOT_FOUND' })

        expect(await runs.listIdsByTask(aTask().id)).toEqual([])
      })

      it('during the removal of the task leaves no run that is not listed', async () => {
        const [removed, ...outcomes] = await Promise.allSettled([
          tasks.beginRemoval(aTask()),
          ...Array.from({ length: 10 }, () => createRun()),
        ])

        const created = outcomes.flatMap((outcome) =>
          outcome.status === 'fulfilled' ? [outcome.value.id] : [],
        )
        expect(removed.status).toBe('fulfilled')
        expect((await runs.listIdsByTask(aTask().id)).toSorted()).toEqual(created.toSorted())
        await expect(createRun()).rejects.toMatchObject({ error: 'INTERNAL_TASK_NOT_FOUND' })
      })
    })

    it('returns undefined for a run that was never created', async () => {
      expect(await runs.find(identity.uuid())).toBeUndefined()
    })

    describe('runs of a task', () => {
      it('are listed newest first with their current state', async () => {
        const older = await createRun({ createdAt: '2026-01-01T00:00:00.000Z' })
        const newer = await createRun({ createdAt: '2026-01-02T00:00:00.000Z' })
        await install(aTask({ id: OTHER_TASK, version: '2.0.0' }))
        await createRun({ taskId: OTHER_TASK })

        const changed = await runs.transition(older.id, { to: 'PROVISIONED' })

        expect(await runs.listByTask(older.taskId)).toEqual([newer, changed])
        expect(await runs.listIdsByTask(older.taskId)).toEqual([newer.id, older.id])
      })

      it('are all listed when they exceed one batch', async () => {
        const start = identity.now().getTime()
        const ids: string[] = []
        for (let group = 0; group < 12; group += 1) {
          const created = Array.from({ length: 10 }, (_, index) => {
            const createdAt = new Date(start + (group * 10 + index) * 1000).toISOString()
            return createRun({ createdAt })
          })
          ids.push(...(await Promise.all(created)).map((run) => run.id))
        }

        const listed = await runs.listByTask(aRun().taskId)

        expect(listed.map((run) => run.id)).toEqual(ids.toReversed())
      })

      it('are an empty list for a task without runs', async () => {
        expect(await runs.listByTask('nothing')).toEqual([])
      })
    })

    describe('pages of runs', () => {
      const any = { limit: 50, isWanted: () => true }
      const dayOf = (day: number): string => `2026-01-${String(day).padStart(2, '0')}T00:00:00.000Z`
      const createDays = async (count: number): Promise<Run[]> => {
        const created: Run[] = []
        for (let day = 1; day <= count; day += 1) created.unshift(await createRun({ createdAt: dayOf(day) }))
        return created
      }
      const idsOf = (rows: readonly Pick<Run, 'id'>[]): string[] => rows.map(({ id }) => id)

      it('contain the runs of all tasks, newest first', async () => {
        await install(aTask({ id: OTHER_TASK, version: '2.0.0' }))
        const [newer, older] = await createDays(2)
        const newest = await createRun({ taskId: OTHER_TASK, createdAt: dayOf(3) })

        const page = await runs.listPage(any)

        expect(page).toEqual({ rows: [newest, newer, older].map((run) => rowOf(run ?? aRun())) })
      })

      it.each([[undefined], [aTask().id]])(
        'follow each other without a gap or a repetition (task %s)',
        async (taskId) => {
          const created = await createDays(12)

          const seen: string[][] = []
          let after: string | undefined
          do {
            const query = { ...any, limit: 5, ...(taskId && { taskId }), ...(after && { after }) }
            const { rows, next } = await runs.listPage(query)
            seen.push(idsOf(rows))
            after = next
          } while (after !== undefined)

          expect(seen.map((ids) => ids.length)).toEqual([5, 5, 2])
          expect(seen.flat()).toEqual(idsOf(created))
        },
      )

      it('contain each run once when many were created in the same millisecond', async () => {
        const created = [await createRun(), await createRun(), await createRun()]

        const first = await runs.listPage({ ...any, limit: 2 })
        const second = await runs.listPage({ ...any, limit: 2, ...(first.next && { after: first.next }) })

        const seen = idsOf([...first.rows, ...second.rows])
        expect(seen).toEqual(idsOf(created).sort().reverse())
        expect(second.next).toBeUndefined()
      })

      it('of one task contain no run of another', async () => {
        await install(aTask({ id: OTHER_TASK, version: '2.0.0' }))
        const [own] = await createDays(1)
        await createRun({ taskId: OTHER_TASK })

        const page = await runs.listPage({ ...any, taskId: aTask().id })

        expect(idsOf(page.rows)).toEqual([own?.id])
      })

      it('show state, times, cost and the first line of the failure', async () => {
        const run = await createRun({ state: 'QUEUED', job: JOB })
        identity.advance(10)
        await runs.transition(run.id, { to: 'RUNNING', ifJob: JOB })
        identity.advance(10)
        const job = { ...JOB, usage: USAGE }
        const failure = {
          kind: 'task-failed',
          message: 'exit code 3\nIts log ends with: …',
          exitCode: 3,
        } as const
        const failed = await runs.transition(run.id, { to: 'FAILED', set: { failure, job } })

        const byIndex = await runs.listPage(any)
        const byTask = await runs.listPage({ ...any, taskId: run.taskId })

        expect(byIndex.rows).toEqual([
          {
            id: run.id,
            taskId: run.taskId,
            state: 'FAILED',
            createdAt: run.createdAt,
            updatedAt: failed.updatedAt,
            entered: failed.entered,
            failure: { kind: 'task-failed', message: 'exit code 3' },
            cost: { usd: USAGE.usd, pricesOf: USAGE.pricesOf },
          },
        ])
        expect(byTask).toEqual(byIndex)
        expect(await runs.findRows([run.id])).toEqual(byIndex.rows)
      })

      it('show the usage of a cancelled run once its job has ended', async () => {
        const run = await createRun({ state: 'FAILED', job: JOB })

        await runs.recordUsage(run.id, JOB.attempt, USAGE)

        const { rows } = await runs.listPage(any)
        expect(rows[0]?.cost).toEqual({ usd: USAGE.usd, pricesOf: USAGE.pricesOf })
      })

      it('leave out runs that are being removed', async () => {
        const [kept, removed] = await createDays(2)
        await runs.beginRemoval(removed?.id ?? '')

        expect(idsOf((await runs.listPage(any)).rows)).toEqual([kept?.id])
        expect(idsOf((await runs.listPage({ ...any, taskId: aTask().id })).rows)).toEqual([kept?.id])
        expect(await runs.findRows([removed?.id ?? ''])).toEqual([])
      })

      it('contain only matching runs, and continue after the others', async () => {
        const created = await createDays(9)
        const isWanted = ({ id }: Pick<Run, 'id'>): boolean => id === created[2]?.id || id === created[8]?.id

        const first = await runs.listPage({ limit: 1, isWanted })
        const second = await runs.listPage({ limit: 1, isWanted, ...(first.next && { after: first.next }) })

        expect(idsOf(first.rows)).toEqual([created[2]?.id])
        expect(idsOf(second.rows)).toEqual([created[8]?.id])
      })

      it('of given ids are newest first, and omit missing runs', async () => {
        const created = await createDays(3)

        const rows = await runs.findRows([...idsOf(created).reverse(), identity.uuid(), ...idsOf(created)])

        expect(idsOf(rows)).toEqual(idsOf(created))
      })
    })

    describe('transitions', () => {
      it('record when and by which attempt each state was last entered', async () => {
        const run = await createRun()
        const at: string[] = []
        const steps = [
          { to: 'PROVISIONED' },
          { to: 'CREATED' },
          { to: 'PROVISIONED' },
          { to: 'QUEUING' },
          { to: 'QUEUED', set: { job: { ...JOB, attempt: 2 } } },
          { to: 'FINISHED', attempt: 2 },
        ] as const
        for (const step of steps) {
          identity.advance(1)
          at.push(identity.now().toISOString())
          await runs.transition(run.id, step)
        }

        expect((await runs.find(run.id))?.entered).toEqual({
          CREATED: { at: at[1] },
          PROVISIONED: { at: at[2] },
          QUEUING: { at: at[3] },
          QUEUED: { at: at[4], attempt: 2 },
          FINISHED: { at: at[5], attempt: 2 },
        })
      })

      it.each(STEPS)('from $from to $to follow the table', async ({ from, to }) => {
        const run = await createRun({ state: from })
        identity.advance(5)

        const change = runs.transition(run.id, { to })

        if (statesBefore(to).includes(from)) {
          const at = identity.now().toISOString()
          expect(await change).toEqual({ ...run, state: to, updatedAt: at, entered: { [to]: { at } } })
        } else {
          expect((await conflictOf(change)).run).toEqual(run)
        }
        expect((await runs.find(run.id))?.state).toBe(statesBefore(to).includes(from) ? to : from)
      })

      it('are refused for a run that does not exist', async () => {
        const { run } = await conflictOf(runs.transition(identity.uuid(), { to: 'PROVISIONED' }))

        expect(run).toBeUndefined()
        expect(await runs.listActive(10)).toEqual({ runs: [] })
      })

      it('to an unreachable state are refused for a run that does not exist', async () => {
        const { run } = await conflictOf(
          runs.transition(identity.uuid(), { to: 'RUNNING', from: ['CREATED'] }),
        )

        expect(run).toBeUndefined()
      })

      it('are limited to the states that the caller names', async () => {
        const run = await createRun({ state: 'QUEUED' })

        await conflictOf(runs.transition(run.id, { to: 'FAILED', from: ['QUEUING'] }))

        const failed = await runs.transition(run.id, { to: 'FAILED', from: ['QUEUING', 'QUEUED'] })
        expect(failed.state).toBe('FAILED')
      })

      it('are refused if the table does not contain them, whatever states the caller names', async () => {
        const run = await createRun({ state: 'CREATED' })

        await conflictOf(runs.transition(run.id, { to: 'RUNNING', from: ['CREATED'] }))
      })

      it('set other facts in the same write', async () => {
        const run = await createRun({ state: 'RUNNING' })

        const finished = await runs.transition(run.id, {
          to: 'FINISHED',
          set: { outputsPrefix: 'outputs/', ignoredFiles: ['debug.log'], job: JOB },
        })

        expect(finished).toMatchObject({
          state: 'FINISHED',
          outputsPrefix: 'outputs/',
          ignoredFiles: ['debug.log'],
          job: JOB,
        })
        expect(await runs.find(run.id)).toEqual(finished)
      })

      it('set no facts when they are refused', async () => {
        const run = await createRun({ state: 'FINISHED' })

        await conflictOf(
          runs.transition(run.id, { to: 'FAILED', set: { failure: { kind: 'time-out', message: 'late' } } }),
        )

        expect(await runs.find(run.id)).toEqual(run)
      })

      it('succeed for exactly one of many concurrent callers', async () => {
        const run = await createRun({ state: 'PROVISIONED' })

        const outcomes = await Promise.allSettled(
          Array.from({ length: 20 }, () => runs.transition(run.id, { to: 'QUEUING' })),
        )

        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      })

      it('are refused when the provisions have changed since they were read', async () => {
        const run = await createRun({ state: 'PROVISIONED', provisions: { a: { kind: 'cleared' } } })
        const changed = await provide(run, 'a', { kind: 'value', valueId: 'v', indexes: [1, 3], base: 'b' })

        const conflict = await conflictOf(
          runs.transition(run.id, { to: 'QUEUING', ifProvisions: run.provisions }),
        )

        expect(conflict.run).toEqual(changed)
        const queued = await runs.transition(run.id, { to: 'QUEUING', ifProvisions: changed.provisions })
        expect(queued.state).toBe('QUEUING')
      })

      it('set provisions in the same write', async () => {
        const run = await createRun({ state: 'PROVISIONED', provisions: { a: { kind: 'cleared' } } })
        const provisions = { ...run.provisions, preset: { kind: 'value', valueId: 'default' } } as const

        const queued = await runs.transition(run.id, {
          to: 'QUEUING',
          ifProvisions: run.provisions,
          set: { provisions },
        })

        expect(queued.provisions).toEqual(provisions)
        expect(await runs.find(run.id)).toEqual(queued)
      })

      it('are refused during another attempt', async () => {
        const run = await createRun({ state: 'QUEUED', job: { ...JOB, attempt: 2 } })

        await conflictOf(runs.transition(run.id, { to: 'RUNNING', attempt: 1 }))

        expect((await runs.transition(run.id, { to: 'RUNNING', attempt: 2 })).state).toBe('RUNNING')
      })

      it('are refused when the job facts have changed since they were read', async () => {
        const run = await createRun({ state: 'QUEUED', job: JOB })
        const changed = await runs.recordJob(run.id, { ...JOB, jobId: 'job-1' })

        const conflict = await conflictOf(runs.transition(run.id, { to: 'RUNNING', ifJob: JOB }))

        expect(conflict.run).toEqual(changed)
        const ifJob: RunJob = { ...JOB, jobId: 'job-1' }
        expect((await runs.transition(run.id, { to: 'RUNNING', ifJob })).state).toBe('RUNNING')
      })

      it('of an attempt are refused when the run has no job', async () => {
        const run = await createRun({ state: 'QUEUING' })

        await conflictOf(runs.transition(run.id, { to: 'RUNNING', attempt: 1 }))
      })
    })

    describe('provisions', () => {
      it.each(RUN_STATES)('are accepted or refused in state %s', async (state) => {
        const run = await createRun({ state })
        identity.advance(5)

        const change = provide(run, 'a', { kind: 'value', valueId: 'v' })

        if (state === 'CREATED' || state === 'PROVISIONED') {
          const provisions = { a: { kind: 'value', valueId: 'v' } }
          expect(await change).toEqual({ ...run, provisions, updatedAt: identity.now().toISOString() })
        } else {
          expect((await conflictOf(change)).run).toEqual(run)
        }
      })

      it('are refused for a run that does not exist', async () => {
        const { run } = await conflictOf(provide({ id: identity.uuid() }, 'a', { kind: 'cleared' }))

        expect(run).toBeUndefined()
      })

      it('replace earlier ones of the same parameter', async () => {
        const run = await createRun()
        await provide(run, 'a', { kind: 'value', valueId: 'v' })

        const changed = await provide(run, 'a', { kind: 'cleared' })

        expect(changed.provisions).toEqual({ a: { kind: 'cleared' } })
      })

      it.each([2, 100, 101, 1000])('of %i parameters are recorded by one write', async (count) => {
        const run = await createRun({ provisions: { kept: { kind: 'cleared' } } })
        const provisions = Object.fromEntries(
          Array.from({ length: count }, (_, index) => [`parameter_${index}`, { kind: 'cleared' } as const]),
        )

        const changed = await runs.recordProvisions(run.id, provisions)

        expect(changed.provisions).toEqual({ ...run.provisions, ...provisions })
        expect(await runs.find(run.id)).toEqual(changed)
      })

      it.each([2, 101])('of %i parameters are refused together once the run is started', async (count) => {
        const run = await createRun({ state: 'QUEUING' })
        const provisions = Object.fromEntries(
          Array.from({ length: count }, (_, index) => [`parameter_${index}`, { kind: 'cleared' } as const]),
        )

        await conflictOf(runs.recordProvisions(run.id, provisions))

        expect(await runs.find(run.id)).toEqual(run)
      })

      it('can be replaced as a whole', async () => {
        const run = await createRun({ provisions: { a: { kind: 'cleared' }, b: { kind: 'cleared' } } })
        const to = { a: { kind: 'value', valueId: 'v', size: 2, itemBase: 'none' } } as const

        const changed = await runs.replaceProvisions(run.id, { from: run.provisions, to })

        expect(changed.provisions).toEqual(to)
        expect(await runs.find(run.id)).toEqual(changed)
      })

      it('are not replaced when they have changed, or the run is started', async () => {
        const run = await createRun()
        const started = await createRun({ state: 'QUEUING' })
        const present = await provide(run, 'a', { kind: 'cleared' })

        await conflictOf(runs.replaceProvisions(run.id, { from: {}, to: {} }))
        await conflictOf(runs.replaceProvisions(started.id, { from: {}, to: {} }))

        expect(await runs.find(run.id)).toEqual(present)
      })

      it('of concurrent calls for many parameters and for single ones all take effect', async () => {
        const run = await createRun()
        const many = Object.fromEntries(
          Array.from({ length: 101 }, (_, index) => [`many_${index}`, { kind: 'cleared' } as const]),
        )
        const names = Array.from({ length: 10 }, (_, index) => `single_${index}`)

        await Promise.all([
          runs.recordProvisions(run.id, many),
          ...names.map((name) => provide(run, name, { kind: 'cleared' })),
        ])

        const stored = await runs.find(run.id)
        expect(Object.keys(stored?.provisions ?? {}).toSorted()).toEqual(
          [...Object.keys(many), ...names].toSorted(),
        )
      })

      it('of fifty concurrent calls all take effect, and the last result contains all', async () => {
        const run = await createRun()
        const names = Array.from({ length: 50 }, (_, index) => `parameter_${index}`)

        const answers = await Promise.all(
          names.map((name) => provide(run, name, { kind: 'value', valueId: name })),
        )

        const counts = answers.map(({ provisions }) => Object.keys(provisions).length)
        expect(counts.toSorted((a, b) => a - b)).toEqual(names.map((_, index) => index + 1))
        const stored = await runs.find(run.id)
        expect(Object.keys(stored?.provisions ?? {}).toSorted()).toEqual(names.toSorted())
      })

      it('take effect in the stored run exactly if they do in a run that is started concurrently', async () => {
        const run = await createRun({ state: 'PROVISIONED' })
        const names = Array.from({ length: 20 }, (_, index) => `parameter_${index}`)
        const provision = (name: string) => provide(run, name, { kind: 'cleared' })

        const [started, ...outcomes] = await Promise.allSettled([
          runs.transition(run.id, { to: 'QUEUING' }),
          ...names.map(provision),
        ])

        const taken = names.filter((_, index) => outcomes[index]?.status === 'fulfilled')
        const stored = await runs.find(run.id)
        expect(started.status).toBe('fulfilled')
        expect(Object.keys(stored?.provisions ?? {}).toSorted()).toEqual(taken.toSorted())
        const frozen = started.status === 'fulfilled' ? started.value.provisions : undefined
        expect(stored?.provisions).toEqual(frozen)
      })
    })

    describe('job facts', () => {
      it.each(RUN_STATES)('are accepted or refused in state %s and do not change it', async (state) => {
        const run = await createRun({ state })

        const change = runs.recordJob(run.id, JOB)

        if (isFinal(state)) expect((await conflictOf(change)).run).toEqual(run)
        else expect(await change).toMatchObject({ state, job: JOB })
      })

      it('are refused for a run that does not exist', async () => {
        expect((await conflictOf(runs.recordJob(identity.uuid(), JOB))).run).toBeUndefined()
      })

      it.each(RUN_STATES)('accept late usage of the job only in a final state: %s', async (state) => {
        const run = await createRun({ state, job: JOB })

        const isNew = await runs.recordUsage(run.id, JOB.attempt, USAGE)

        const expected = isFinal(state) ? { ...run, job: { ...JOB, usage: USAGE } } : run
        expect(isNew).toBe(isFinal(state))
        expect(await runs.find(run.id)).toEqual(expected)
      })

      it('accept the usage of the current attempt once', async () => {
        const run = await createRun({ state: 'FAILED', job: { ...JOB, attempt: 2 } })
        const without = await createRun({ state: 'FAILED' })

        const taken = [
          await runs.recordUsage(run.id, 1, USAGE),
          await runs.recordUsage(run.id, 2, USAGE),
          await runs.recordUsage(run.id, 2, { ...USAGE, usd: 9 }),
          await runs.recordUsage(without.id, 1, USAGE),
          await runs.recordUsage(identity.uuid(), 1, USAGE),
        ]

        expect(taken).toEqual([false, true, false, false, false])
        expect((await runs.find(run.id))?.job?.usage).toEqual(USAGE)
      })

      it('replace the whole job', async () => {
        const run = await createRun({ state: 'QUEUED', job: { ...JOB, jobId: 'old', taskToken: 'old' } })

        const changed = await runs.recordJob(run.id, { ...JOB, attempt: 2 })

        expect(changed.job).toEqual({ ...JOB, attempt: 2 })
      })

      it('of an attempt are refused during another attempt', async () => {
        const run = await createRun({ state: 'QUEUED', job: { ...JOB, attempt: 2 } })

        await conflictOf(runs.recordJob(run.id, JOB, { attempt: 1 }))
        await conflictOf(runs.recordJob(run.id, JOB, { attempt: undefined }))

        const changed = await runs.recordJob(run.id, { ...JOB, attempt: 3 }, { attempt: 2 })
        expect(changed.job?.attempt).toBe(3)
      })

      it('are refused when the stored ones have changed since they were read', async () => {
        const run = await createRun({ state: 'QUEUED' })
        const waiting = { reason: 'no machine', since: '2026-01-01T00:00:00.000Z' }
        await runs.recordJob(run.id, { ...JOB, waiting }, { ifJob: undefined })

        await conflictOf(runs.recordJob(run.id, JOB, { ifJob: undefined }))
        await conflictOf(runs.recordJob(run.id, JOB, { ifJob: JOB }))

        const changed = await runs.recordJob(run.id, JOB, { ifJob: { ...JOB, waiting } })
        expect(changed.job).toEqual(JOB)
      })

      it('of a first attempt are accepted from exactly one of many concurrent callers', async () => {
        const run = await createRun({ state: 'QUEUING' })

        const outcomes = await Promise.allSettled(
          Array.from({ length: 10 }, () => runs.recordJob(run.id, JOB, { attempt: undefined })),
        )

        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      })
    })

    describe('reports of the stager', () => {
      it.each(RUN_STATES)('are stored or ignored in state %s', async (state) => {
        const run = await createRun({ state })
        identity.advance(5)

        await runs.recordStage(run.id, 'stageIn', 1.5)
        await runs.recordStage(run.id, 'stageOut', 2)

        const endedAt = identity.now().toISOString()
        const reports = { stageIn: { endedAt, seconds: 1.5 }, stageOut: { endedAt, seconds: 2 } }
        expect(await runs.find(run.id)).toEqual(isActive(state) ? { ...run, ...reports } : run)
      })

      it('of a run that does not exist are ignored', async () => {
        await expect(runs.recordStage(identity.uuid(), 'stageIn', 1)).resolves.toBeUndefined()
      })
    })

    describe('input values', () => {
      it('are found by run, parameter and value', async () => {
        const run = await createRun()
        const inline = await storeValue(run)
        const stored = await storeValue(run, {
          parameterName: 'slide',
          file: { kind: 'object', key: 'task-run-inputs-1/slide', sizeBytes: 5_000_000_000 },
        })

        expect(await runs.findInput(run.id, 'a', inline.valueId)).toEqual(inline)
        expect(await runs.findInput(run.id, 'slide', stored.valueId)).toEqual(stored)
        expect(await runs.findInput(run.id, 'a', stored.valueId)).toBeUndefined()
      })

      it('keep every character of a text', async () => {
        const run = await createRun()

        const value = await storeValue(run, { file: { kind: 'inline', text: 'é\n\u{1f52c}\t\0' } })

        expect(await runs.findInput(run.id, 'a', value.valueId)).toEqual(value)
      })

      it('may be empty', async () => {
        const run = await createRun()

        const value = await storeValue(run, { file: { kind: 'inline', text: '' } })

        expect(await runs.findInput(run.id, 'a', value.valueId)).toEqual(value)
      })

      it('are listed if the provisions of the run refer to them', async () => {
        const { id } = await createRun()
        const run = aRun({ id })
        await storeValue(run)
        const present = await storeValue(run)
        await storeValue(run, { parameterName: 'b' })
        await storeValue(run, { parameterName: 'ab' })
        await provide(run, 'b', { kind: 'cleared' })

        const changed = await provide(run, 'a', { kind: 'value', valueId: present.valueId })

        expect(await runs.listInputs(changed)).toEqual([present])
      })

      it('are all listed when they exceed one batch', async () => {
        const run = await createRun()
        const names = Array.from({ length: 120 }, (_, index) => `parameter_${index}`)
        const values = await Promise.all(names.map((parameterName) => storeValue(run, { parameterName })))
        const provisions = Object.fromEntries(
          values.map(({ parameterName, valueId }) => [parameterName, { kind: 'value', valueId } as const]),
        )

        const listed = await runs.listInputs({ ...run, provisions })

        expect(listed.map(({ parameterName }) => parameterName).toSorted()).toEqual(names.toSorted())
      })

      it('are removed one by one', async () => {
        const run = await createRun()
        const lost = await storeValue(run)
        const kept = await storeValue(run)

        await runs.removeInput(lost)
        await runs.removeInput(lost)

        expect(await runs.findInput(run.id, 'a', lost.valueId)).toBeUndefined()
        expect(await runs.findInput(run.id, 'a', kept.valueId)).toEqual(kept)
      })

      it('are an empty list for a run without provisions', async () => {
        expect(await runs.listInputs(await createRun())).toEqual([])
      })
    })

    describe('results', () => {
      const finished = (resultKey: string) => createRun({ state: 'FINISHED', resultKey })

      it('are found by their key', async () => {
        const run = await finished('one')
        await runs.recordResult({ id: run.id, resultKey: 'one' })

        expect(await runs.findByResult('one')).toEqual(run)
        expect(await runs.findByResult('two')).toBeUndefined()
      })

      it('are those of the run whose result was recorded last', async () => {
        const [first, second] = [await finished('one'), await finished('one')]
        await runs.recordResult({ id: first.id, resultKey: 'one' })
        await runs.recordResult({ id: second.id, resultKey: 'one' })

        expect(await runs.findByResult('one')).toEqual(second)
      })

      it('are not those of a run that is active or has another key', async () => {
        const active = await createRun({ state: 'RUNNING', resultKey: 'one' })
        const other = await finished('another')
        await runs.recordResult({ id: active.id, resultKey: 'one' })
        await runs.recordResult({ id: other.id, resultKey: 'two' })

        expect(await runs.findByResult('one')).toBeUndefined()
        expect(await runs.findByResult('two')).toBeUndefined()
      })

      it('of a run that is being removed are not found', async () => {
        const run = await finished('one')
        await runs.recordResult({ id: run.id, resultKey: 'one' })

        await runs.beginRemoval(run.id)

        expect(await runs.findByResult('one')).toBeUndefined()
      })

      it('of a later run stay when an earlier one is removed', async () => {
        const [first, second] = [await finished('one'), await finished('one')]
        await runs.recordResult({ id: first.id, resultKey: 'one' })
        await runs.recordResult({ id: second.id, resultKey: 'one' })

        await runs.remove(first)
        expect(await runs.findByResult('one')).toEqual(second)

        await runs.remove(second)
        expect(await runs.findByResult('one')).toBeUndefined()
      })
    })

    describe('active runs', () => {
      /** Starts a run of a group: that of all runs unless another one is given. */
      async function startRun(group = 0): Promise<Run> {
        identity.advance(1)
        let id = identity.uuid()
        while (Number.parseInt(id.slice(-1), 16) % 4 !== group) id = identity.uuid()
        await createRun({ id, state: 'PROVISIONED' })
        return runs.transition(id, { to: 'QUEUING' })
      }

      const listedIds = async (limit = 10) => (await runs.listActive(limit)).runs.map(({ id }) => id)

      it('are those that were started and have not ended', async () => {
        const path: readonly RunState[] = [
          'PROVISIONED',
          'QUEUING',
          'QUEUED',
          'PENDING',
          'RUNNING',
          'FINISHED',
        ]
        const { id } = await createRun()

        for (const to of path) {
          await runs.transition(id, { to })

          await expect.poll(() => listedIds()).toEqual(isActive(to) ? [id] : [])
        }
      })

      it('are listed by the time of their last change, oldest first', async () => {
        const first = await startRun()
        const second = await startRun()
        const third = await startRun()
        identity.advance(1)

        await runs.transition(first.id, { to: 'RUNNING' })

        await expect.poll(() => listedIds()).toEqual([second.id, third.id, first.id])
      })

      it('are limited to the requested number', async () => {
        const first = await startRun()
        const second = await startRun()
        await startRun()

        await expect.poll(() => listedIds(2)).toEqual([first.id, second.id])
      })

      it('are listed page by page, each once', async () => {
        const started = [await startRun(), await startRun(), await startRun()]
        await expect.poll(() => listedIds()).toHaveLength(3)

        const first = await runs.listActive(2)
        const second = await runs.listActive(2, first.next)

        expect([...first.runs, ...second.runs].map(({ id }) => id)).toEqual(started.map(({ id }) => id))
        expect(second.next).toBeUndefined()
      })

      it('are listed group by group, each once', async () => {
        const [last, second, first, third] = [
          await startRun(3),
          await startRun(1),
          await startRun(0),
          await startRun(1),
        ]
        await expect.poll(() => listedIds()).toHaveLength(4)

        const pages = [await runs.listActive(1)]
        for (let next = pages[0]?.next; next !== undefined; next = pages.at(-1)?.next)
          pages.push(await runs.listActive(1, next))

        const ids = pages.flatMap((page) => page.runs.map(({ id }) => id))
        expect(ids).toEqual([first, second, third, last].map(({ id }) => id))
      })

      it('are listed on a later page too when they have changed since their page was read', async () => {
        const [first, second] = [await startRun(), await startRun()]
        await expect.poll(() => listedIds()).toHaveLength(2)
        const page = await runs.listActive(1)
        identity.advance(1)
        await runs.transition(first.id, { to: 'RUNNING' })

        const rest = async () => (await runs.listActive(10, page.next)).runs.map(({ id }) => id)

        await expect.poll(rest).toEqual([second.id, first.id])
      })

      it('are found when many earlier ones have ended', async () => {
        for (let count = 0; count < 3; count += 1) {
          const { id } = await startRun()
          await runs.transition(id, { to: 'FAILED' })
        }

        const { id } = await startRun()

        await expect.poll(() => listedIds(1)).toEqual([id])
      })

      it('are no longer listed when they are removed', async () => {
        const run = await startRun()

        await runs.remove(run)

        await expect.poll(() => listedIds()).toEqual([])
      })
    })

    describe('the beginning of a removal', () => {
      it('hides the run from all calls except a repeated removal', async () => {
        const run = await createRun({ state: 'PROVISIONED', job: JOB })

        const begun = await runs.beginRemoval(run.id)

        const found = { ...run, updatedAt: identity.now().toISOString() }
        expect(begun).toEqual(found)
        expect(await runs.find(run.id)).toBeUndefined()
        expect(await runs.listByTask(run.taskId)).toEqual([])
        expect(await runs.listIdsByTask(run.taskId)).toEqual([run.id])
        expect(await runs.beginRemoval(run.id)).toEqual(found)
      })

      it('is listed until the run is removed, oldest first', async () => {
        const [first, second, later] = [await createRun(), await createRun(), await createRun()]
        await runs.beginRemoval(second.id)
        identity.advance(1)
        await runs.beginRemoval(first.id)
        const until = identity.now()
        identity.advance(1)
        await runs.beginRemoval(later.id)

        await expect.poll(() => runs.listInRemoval(until, 10)).toEqual([second.id, first.id])
        expect(await runs.listInRemoval(until, 1)).toEqual([second.id])
        for (const run of [first, second, later]) await runs.remove(run)
        await expect.poll(() => runs.listInRemoval(identity.now(), 10)).toEqual([])
      })

      it('stays at its place in the list when it is repeated, and moves to the end when it is postponed', async () => {
        const { id } = await createRun({ state: 'QUEUED' })
        const begun = await runs.beginRemoval(id)
        const until = identity.now()
        identity.advance(1)

        const again = await runs.beginRemoval(id)
        await expect.poll(() => runs.listInRemoval(until, 10)).toEqual([id])
        const postponed = await runs.postponeRemoval(id)

        expect(again).toEqual(begun)
        expect(postponed).toEqual({ ...begun, updatedAt: identity.now().toISOString() })
        await expect.poll(() => runs.listInRemoval(until, 10)).toEqual([])
        expect(await runs.listInRemoval(identity.now(), 10)).toEqual([id])
      })

      it('cannot be postponed for a run that is not being removed', async () => {
        const { id } = await createRun()

        expect(await runs.postponeRemoval(id)).toBeUndefined()
        expect(await runs.find(id)).toBeDefined()
        expect(await runs.postponeRemoval('99999999-9999-4999-8999-999999999999')).toBeUndefined()
      })

      it('lets the run be taken out of the list of its task before it is removed', async () => {
        const run = await createRun()
        await runs.beginRemoval(run.id)

        await runs.unlist(run)
        await runs.unlist(run)

        expect(await runs.listIdsByTask(run.taskId)).toEqual([])
        await expect.poll(() => runs.listInRemoval(identity.now(), 10)).toEqual([run.id])
        await runs.remove(run)
        expect(await runs.beginRemoval(run.id)).toBeUndefined()
      })

      it('prevents all later changes to the run', async () => {
        const run = await createRun({ state: 'PROVISIONED' })
        const active = await createRun({ state: 'QUEUED' })
        await runs.beginRemoval(run.id)
        await runs.beginRemoval(active.id)

        const conflicts = [
          await conflictOf(runs.transition(run.id, { to: 'QUEUING' })),
          await conflictOf(provide(run, 'a', { kind: 'cleared' })),
          await conflictOf(runs.recordJob(active.id, JOB)),
          await conflictOf(runs.transition(active.id, { to: 'FAILED' })),
        ]

        expect(conflicts.map((conflict) => conflict.run)).toEqual(conflicts.map(() => undefined))
      })

      it('removes the run from the list of active ones', async () => {
        const { id } = await createRun({ state: 'PROVISIONED' })
        await runs.transition(id, { to: 'QUEUING' })

        await runs.beginRemoval(id)

        await expect.poll(() => runs.listActive(10)).toEqual({ runs: [] })
      })

      it('returns undefined for a run that does not exist', async () => {
        const run = await createRun()
        await runs.beginRemoval(run.id)
        await runs.remove(run)

        expect(await runs.beginRemoval(run.id)).toBeUndefined()
        expect(await runs.find(run.id)).toBeUndefined()
        expect(await runs.listIdsByTask(run.taskId)).toEqual([])
      })
    })

    describe('removal', () => {
      it('deletes the run, its values and its entry in the list', async () => {
        const run = await createRun()
        const values = await Promise.all(
          Array.from({ length: 60 }, (_, index) => storeValue(run, { parameterName: `p${index}` })),
        )
        const other = await createRun()
        const kept = await storeValue(other)

        await runs.remove(run)

        expect(await runs.find(run.id)).toBeUndefined()
        expect(await runs.listByTask(run.taskId)).toEqual([other])
        for (const { parameterName, valueId } of values) {
          expect(await runs.findInput(run.id, parameterName, valueId)).toBeUndefined()
        }
        expect(await runs.findInput(other.id, 'a', kept.valueId)).toEqual(kept)
      })

      it('can be limited to the values of a run that was not created', async () => {
        const run = await createRun()
        const kept = await storeValue(run)
        const missing = { ...run, id: '99999999-9999-4999-8999-999999999999' }
        const left = await storeValue(missing)

        expect([await runs.discardInputs(run.id), await runs.discardInputs(missing.id)]).toEqual([
          false,
          true,
        ])

        expect(await runs.findInput(run.id, 'a', kept.valueId)).toEqual(kept)
        expect(await runs.findInput(missing.id, 'a', left.valueId)).toBeUndefined()
        await runs.beginRemoval(run.id)
        expect(await runs.discardInputs(run.id)).toBe(false)
      })

      it('does nothing when the run does not exist', async () => {
        const run = await createRun()
        await runs.remove(run)

        await expect(runs.remove(run)).resolves.toBeUndefined()
      })

      it('is not undone by a late change', async () => {
        const run = await createRun({ state: 'QUEUED' })
        await runs.remove(run)

        await conflictOf(runs.transition(run.id, { to: 'RUNNING' }))

        expect(await runs.find(run.id)).toBeUndefined()
      })
    })
  })
}
