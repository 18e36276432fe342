import { describe, expect, it } from 'vitest'
import { createSeededRandom } from '../../../local/batch/seeded-random.ts'
import { DomainError } from '../../../src/contract/errors.ts'
import { setRunId } from '../../../src/contract/set-run-id.ts'
import type { Run } from '../../../src/run/run.ts'
import { cancelRunSet, retryRunSet } from '../../../src/run-set/end-run-set.ts'
import { listSetRuns } from '../../../src/run-set/list-set-runs.ts'
import { workOnRunSet } from '../../../src/run-set/work-on-run-set.ts'
import { ignoring } from '../../../src/shared/ignoring.ts'
import { aSet, ENOUGH_MS, execute, NO_ROWS, rowsOf, type WorkingSet } from '../../fixtures/working-set.ts'

const ROWS = 110
const STEPS = 25

/** Latest existing run of each row, found without the records of the set. */
async function latestRuns({ engine, id, read }: WorkingSet): Promise<readonly (Run | undefined)[]> {
  const latest = Array<Run | undefined>(ROWS).fill(undefined)
  const { round: last } = await read()
  for (let round = 1; round <= last; round += 1) {
    const found = await engine.runs.findAll(
      rowsOf(ROWS).map(({ a }) => setRunId({ setId: id, row: a, round })),
    )
    for (const run of found) latest[Number.parseInt(run.id.slice(-4), 16)] = run
  }
  return latest
}

const KINDS: Partial<Record<Run['state'], 'finished' | 'failed' | 'active'>> = {
  FINISHED: 'finished',
  FAILED: 'failed',
}

async function expectTruth(set: WorkingSet): Promise<void> {
  const { counts, runSet } = await set.describeIt()
  expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(runSet.roundRows[0])
  if (!['cancelled', 'finished', 'failed'].includes(runSet.phase)) return
  const latest = await latestRuns(set)
  const { content } = await listSetRuns(set.engine, runSet, { limit: ROWS, after: 0 })
  const wanted = { ...NO_ROWS }
  for (const run of latest) wanted[run === undefined ? 'skipped' : (KINDS[run.state] ?? 'active')] += 1
  // The table of a set that was cancelled early was not read.
  if (runSet.roundRows[0] === 0) wanted.skipped = 0
  expect(counts).toEqual(wanted)
  expect(content.map(({ run }) => run.id)).toEqual(latest.flatMap((run) => run?.id ?? []))
}

/** A step of the worker that a cancellation, a crash or a second worker may meet, and the execution of some of its runs. */
async function step(set: WorkingSet, random: () => number): Promise<void> {
  const { engine, id } = set
  let isCrash = false
  const createAll: typeof engine.runs.createAll = async (created) => {
    if (random() < 0.15) await cancelRunSet(engine, id)
    if (random() < 0.1) await set.work()
    await engine.runs.createAll(created)
    isCrash = random() < 0.1
    if (isCrash) throw new Error('the worker was killed')
    if (random() < 0.15) await ignoring(cancelRunSet(engine, id), DomainError)
  }
  const timeLeftMs = (): number => (random() < 0.8 ? ENOUGH_MS : 0)
  const call = workOnRunSet({ ...engine, runs: { ...engine.runs, createAll } }, { setId: id, timeLeftMs })
  const { runs, prefix } = await call.catch((error: unknown) => {
    if (isCrash) return { runs: [], prefix: '' }
    throw error
  })
  const ids = runs.map((place) => prefix + place).filter(() => random() < 0.7)
  const middle = Math.floor(ids.length * random())
  await execute(engine, ids.slice(0, middle), false)
  await execute(engine, ids.slice(middle))
}

describe('a run set with cancellations, retries and crashes at any time', () => {
  it.each(Array.from({ length: 30 }, (_, seed) => seed))(
    'has right counts and rows (seed %d)',
    async (seed) => {
      const draw = createSeededRandom(seed)
      const random = (): number => draw('step')
      const set = await aSet({ rows: rowsOf(ROWS) })
      for (let steps = 0; steps < STEPS; steps += 1) {
        if (random() < 0.1) await ignoring(cancelRunSet(set.engine, set.id), DomainError)
        if (random() < 0.3) await ignoring(retryRunSet(set.engine, set.id), DomainError)
        await step(set, random)
        await expectTruth(set)
      }

      for (let rounds = 0; (await set.describeIt()).counts.finished < ROWS; rounds += 1) {
        if (rounds > 20) throw new Error('the set does not end')
        await ignoring(retryRunSet(set.engine, set.id), DomainError)
        const { runs, prefix } = await set.work()
        await execute(
          set.engine,
          runs.map((place) => prefix + place),
        )
      }
      expect((await set.describeIt()).counts).toEqual({ ...NO_ROWS, finished: ROWS })
    },
  )
})
