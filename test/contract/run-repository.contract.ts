import { beforeEach, describe, expect, it } from 'vitest'
import type { InputValue, Run, RunJob } from '../../src/domain/run/run.ts'
import {
  isActive,
  isFinal,
  RUN_STATES,
  type RunState,
  statesBefore,
} from '../../src/domain/run/transitions.ts'
import { type RunRepository, RunStateConflictError } from '../../src/ports.ts'
import { aRun } from '../fixtures/builders.ts'
import type { FixedIdentity } from '../fixtures/fixed-identity.ts'

interface RunRepositoryHarness {
  readonly runs: RunRepository
  readonly identity: FixedIdentity
}

const JOB: RunJob = { attempt: 1, jobName: 'run-1' }
const STEPS = RUN_STATES.flatMap((from) => RUN_STATES.map((to) => ({ from, to })))

/** The refusal, with the run as it is. */
async function conflictOf(change: Promise<unknown>): Promise<RunStateConflictError> {
  const outcome = await change.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (outcome instanceof RunStateConflictError) return outcome
  throw new Error('the change was not refused', { cause: outcome })
}

/** What every run repository keeps to. `setUp` gives an empty one for each test. */
export function describeRunRepository(adapter: string, setUp: () => Promise<RunRepositoryHarness>): void {
  describe(`run repository (${adapter})`, () => {
    let runs: RunRepository
    let identity: FixedIdentity

    beforeEach(async () => {
      const harness = await setUp()
      runs = harness.runs
      identity = harness.identity
    })

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
      it('stores the run as it is', async () => {
        const run = await createRun({
          state: 'FAILED',
          updatedAt: '2026-01-01T00:00:01.000Z',
          provisions: { a: { kind: 'value', valueId: 'v' }, b: { kind: 'cleared' } },
          job: { ...JOB, jobId: 'job', taskToken: 'token', logStreamName: 'stream', succeededAttempt: 2 },
          outputsPrefix: 'outputs/',
          failure: { kind: 'task-failed', message: 'the task ended with code 3', exitCode: 3, attempt: 1 },
        })

        expect(await runs.find(run.id)).toStrictEqual(run)
      })

      it('leaves what is not known yet out', async () => {
        const run = await createRun()

        expect(await runs.find(run.id)).toStrictEqual(run)
      })

      it('refuses a second run with the same id', async () => {
        const run = await createRun()

        await expect(runs.create({ ...run, secret: 'another' })).rejects.toThrow()

        expect(await runs.find(run.id)).toEqual(run)
      })
    })

    it('knows no run that was never created', async () => {
      expect(await runs.find(identity.uuid())).toBeUndefined()
    })

    describe('runs of a task', () => {
      it('are listed newest first with their present state', async () => {
        const older = await createRun({ createdAt: '2026-01-01T00:00:00.000Z' })
        const newer = await createRun({ createdAt: '2026-01-02T00:00:00.000Z' })
        await createRun({ taskId: 'another task' })

        const changed = await runs.transition(older.id, { to: 'PROVISIONED' })

        expect(await runs.listByTask(older.taskId)).toEqual([newer, changed])
      })

      it('are listed whole when there are more than one batch takes', async () => {
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

      it('are none for a task that never ran', async () => {
        expect(await runs.listByTask('nothing')).toEqual([])
      })
    })

    describe('transitions', () => {
      it.each(STEPS)('from $from to $to follow the table', async ({ from, to }) => {
        const run = await createRun({ state: from })
        identity.advance(5)

        const change = runs.transition(run.id, { to })

        if (statesBefore(to).includes(from)) {
          expect(await change).toEqual({ ...run, state: to, updatedAt: identity.now().toISOString() })
        } else {
          expect((await conflictOf(change)).run).toEqual(run)
        }
        expect((await runs.find(run.id))?.state).toBe(statesBefore(to).includes(from) ? to : from)
      })

      it('are refused for a run that does not exist', async () => {
        const { run } = await conflictOf(runs.transition(identity.uuid(), { to: 'PROVISIONED' }))

        expect(run).toBeUndefined()
        expect(await runs.listActive(10)).toEqual([])
      })

      it('to a state that nothing leads to are refused for a run that does not exist', async () => {
        const { run } = await conflictOf(
          runs.transition(identity.uuid(), { to: 'RUNNING', from: ['CREATED'] }),
        )

        expect(run).toBeUndefined()
      })

      it('are cut to the states that the caller names', async () => {
        const run = await createRun({ state: 'QUEUED' })

        await conflictOf(runs.transition(run.id, { to: 'FAILED', from: ['QUEUING'] }))

        const failed = await runs.transition(run.id, { to: 'FAILED', from: ['QUEUING', 'QUEUED'] })
        expect(failed.state).toBe('FAILED')
      })

      it('are not widened by the states that the caller names', async () => {
        const run = await createRun({ state: 'CREATED' })

        await conflictOf(runs.transition(run.id, { to: 'RUNNING', from: ['CREATED'] }))
      })

      it('set facts in the same write', async () => {
        const run = await createRun({ state: 'RUNNING' })

        const finished = await runs.transition(run.id, {
          to: 'FINISHED',
          set: { outputsPrefix: 'outputs/', job: JOB },
        })

        expect(finished).toMatchObject({ state: 'FINISHED', outputsPrefix: 'outputs/', job: JOB })
        expect(await runs.find(run.id)).toEqual(finished)
      })

      it('set no fact when they are refused', async () => {
        const run = await createRun({ state: 'FINISHED' })

        await conflictOf(
          runs.transition(run.id, { to: 'FAILED', set: { failure: { kind: 'time-out', message: 'late' } } }),
        )

        expect(await runs.find(run.id)).toEqual(run)
      })

      it('are made by exactly one of many callers at once', async () => {
        const run = await createRun({ state: 'PROVISIONED' })

        const outcomes = await Promise.allSettled(
          Array.from({ length: 20 }, () => runs.transition(run.id, { to: 'QUEUING' })),
        )

        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      })

      it('are refused when another attempt is present', async () => {
        const run = await createRun({ state: 'QUEUED', job: { ...JOB, attempt: 2 } })

        await conflictOf(runs.transition(run.id, { to: 'RUNNING', attempt: 1 }))

        expect((await runs.transition(run.id, { to: 'RUNNING', attempt: 2 })).state).toBe('RUNNING')
      })

      it('of an attempt are refused when the run has no job', async () => {
        const run = await createRun({ state: 'QUEUING' })

        await conflictOf(runs.transition(run.id, { to: 'RUNNING', attempt: 1 }))
      })
    })

    describe('provisions', () => {
      it.each(RUN_STATES)('are taken or refused by state %s', async (state) => {
        const run = await createRun({ state })
        identity.advance(5)

        const change = runs.recordProvision(run.id, 'a', { kind: 'value', valueId: 'v' })

        if (state === 'CREATED' || state === 'PROVISIONED') {
          const provisions = { a: { kind: 'value', valueId: 'v' } }
          expect(await change).toEqual({ ...run, provisions, updatedAt: identity.now().toISOString() })
        } else {
          expect((await conflictOf(change)).run).toEqual(run)
        }
      })

      it('are refused for a run that does not exist', async () => {
        const { run } = await conflictOf(runs.recordProvision(identity.uuid(), 'a', { kind: 'cleared' }))

        expect(run).toBeUndefined()
      })

      it('replace what was there', async () => {
        const run = await createRun()
        await runs.recordProvision(run.id, 'a', { kind: 'value', valueId: 'v' })

        const changed = await runs.recordProvision(run.id, 'a', { kind: 'cleared' })

        expect(changed.provisions).toEqual({ a: { kind: 'cleared' } })
      })

      it('of fifty parallel calls all take effect, and the last answer shows all', async () => {
        const run = await createRun()
        const names = Array.from({ length: 50 }, (_, index) => `parameter_${index}`)

        const answers = await Promise.all(
          names.map((name) => runs.recordProvision(run.id, name, { kind: 'value', valueId: name })),
        )

        const counts = answers.map(({ provisions }) => Object.keys(provisions).length)
        expect(counts.toSorted((a, b) => a - b)).toEqual(names.map((_, index) => index + 1))
        const stored = await runs.find(run.id)
        expect(Object.keys(stored?.provisions ?? {}).toSorted()).toEqual(names.toSorted())
      })

      it('and a start at once agree on what is frozen', async () => {
        const run = await createRun({ state: 'PROVISIONED' })
        const names = Array.from({ length: 20 }, (_, index) => `parameter_${index}`)
        const provision = (name: string) => runs.recordProvision(run.id, name, { kind: 'cleared' })

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
      it.each(RUN_STATES)('are taken or refused by state %s and leave it alone', async (state) => {
        const run = await createRun({ state })

        const change = runs.recordJob(run.id, JOB)

        if (isFinal(state)) expect((await conflictOf(change)).run).toEqual(run)
        else expect(await change).toMatchObject({ state, job: JOB })
      })

      it('are refused for a run that does not exist', async () => {
        expect((await conflictOf(runs.recordJob(identity.uuid(), JOB))).run).toBeUndefined()
      })

      it('replace the whole job', async () => {
        const run = await createRun({ state: 'QUEUED', job: { ...JOB, jobId: 'old', taskToken: 'old' } })

        const changed = await runs.recordJob(run.id, { ...JOB, attempt: 2 })

        expect(changed.job).toEqual({ ...JOB, attempt: 2 })
      })

      it('with an attempt are refused when another one is present', async () => {
        const run = await createRun({ state: 'QUEUED', job: { ...JOB, attempt: 2 } })

        await conflictOf(runs.recordJob(run.id, JOB, { attempt: 1 }))
        await conflictOf(runs.recordJob(run.id, JOB, { attempt: undefined }))

        const changed = await runs.recordJob(run.id, { ...JOB, attempt: 3 }, { attempt: 2 })
        expect(changed.job?.attempt).toBe(3)
      })

      it('of a first attempt are taken from one of many callers', async () => {
        const run = await createRun({ state: 'QUEUING' })

        const outcomes = await Promise.allSettled(
          Array.from({ length: 10 }, () => runs.recordJob(run.id, JOB, { attempt: undefined })),
        )

        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
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

      it('are listed when the provisions of the run point at them', async () => {
        const { id } = await createRun()
        const run = aRun({ id })
        await storeValue(run)
        const present = await storeValue(run)
        await storeValue(run, { parameterName: 'b' })
        await storeValue(run, { parameterName: 'ab' })
        await runs.recordProvision(id, 'b', { kind: 'cleared' })

        const changed = await runs.recordProvision(id, 'a', { kind: 'value', valueId: present.valueId })

        expect(await runs.listInputs(changed)).toEqual([present])
      })

      it('are listed whole when there are more than one batch takes', async () => {
        const run = await createRun()
        const names = Array.from({ length: 120 }, (_, index) => `parameter_${index}`)
        const values = await Promise.all(names.map((parameterName) => storeValue(run, { parameterName })))
        const provisions = Object.fromEntries(
          values.map(({ parameterName, valueId }) => [parameterName, { kind: 'value', valueId } as const]),
        )

        const listed = await runs.listInputs({ ...run, provisions })

        expect(listed.map(({ parameterName }) => parameterName).toSorted()).toEqual(names.toSorted())
      })

      it('are none for a run without provisions', async () => {
        expect(await runs.listInputs(await createRun())).toEqual([])
      })
    })

    describe('active runs', () => {
      async function startRun(): Promise<Run> {
        identity.advance(1)
        const { id } = await createRun({ state: 'PROVISIONED' })
        return runs.transition(id, { to: 'QUEUING' })
      }

      const listedIds = async (limit = 10) => (await runs.listActive(limit)).map(({ id }) => id)

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

      it('are listed with the longest unchanged first', async () => {
        const first = await startRun()
        const second = await startRun()
        const third = await startRun()
        identity.advance(1)

        await runs.transition(first.id, { to: 'RUNNING' })

        await expect.poll(() => listedIds()).toEqual([second.id, third.id, first.id])
      })

      it('are at most as many as asked for', async () => {
        const first = await startRun()
        const second = await startRun()
        await startRun()

        await expect.poll(() => listedIds(2)).toEqual([first.id, second.id])
      })

      it('are found when many runs before them have ended', async () => {
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

    describe('removal', () => {
      it('takes the run, its values and its place in the listing', async () => {
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

      it('does nothing when the run is gone', async () => {
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
