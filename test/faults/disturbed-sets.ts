import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { createSeededRandom } from '../../local/batch/seeded-random.ts'
import type { LocalStack } from '../../local/stack.ts'
import { sweepNow } from './disturbances.ts'
import { createPersistentClient, type PersistentClient, type SetView } from './persistent-client.ts'
import { FAILING_EXIT_CODE, planRuns, type RunPlan } from './run-plan.ts'

/** Actions on a run set after its creation. */
type SetIntent = 'complete' | 'retry' | 'cancel' | 'delete'

/** The sets. Two of them are deleted, because one may end before its deletion. */
const SETS: readonly { readonly intent: SetIntent; readonly rows: number }[] = [
  { intent: 'complete', rows: 40 },
  { intent: 'retry', rows: 16 },
  { intent: 'cancel', rows: 16 },
  { intent: 'delete', rows: 16 },
  { intent: 'delete', rows: 16 },
]
export const ROWS = SETS.reduce((sum, { rows }) => sum + rows, 0)

/** Number of retries of the set whose rows fail. */
const RETRIES = 2

const POLL_MS = 1000
/** Time limit from the last fault to the end of a set. */
const MAX_END_MS = 300_000

/** A run set under test. */
interface DisturbedSet {
  readonly id: string
  readonly intent: SetIntent
  readonly plans: readonly RunPlan[]
}

/** The run sets of the test. Their runs have higher numbers than the runs that belong to no set. */
export interface DisturbedSets {
  /** Ids of the sets that are deleted. */
  readonly deleted: readonly string[]
  /** Resolves when the sets have been retried, cancelled or deleted. */
  disturbed(): Promise<void>
  /**
   * Waits until all sets have ended, and adds their runs to `started`.
   * @returns one sentence for each fault in their states and counts
   */
  end(started: Map<RunPlan, string>): Promise<readonly string[]>
}

/** Creates the sets and schedules their cancellations and deletions. */
export async function startSets(
  stack: LocalStack,
  { runs, seed }: { readonly runs: number; readonly seed: number },
): Promise<DisturbedSets> {
  const client = createPersistentClient(stack.baseUrl)
  const random = createSeededRandom(seed + 1)
  const plans = planRuns(runs + ROWS * 4, random).filter(
    ({ number, intent }) => number >= runs && intent === 'complete',
  )
  const sets: DisturbedSet[] = []
  for (const { intent, rows } of SETS) {
    const own = plans.splice(0, rows).map((plan, row) => planRow(plan, intent, row))
    sets.push({ id: await client.startSet(own), intent, plans: own })
  }
  const disturbed = Promise.all(sets.map((set) => disturbSet(client, set)))
  // `disturbed` reports this error.
  disturbed.catch(() => undefined)
  return {
    deleted: sets.flatMap(({ id, intent }) => (intent === 'delete' ? [id] : [])),
    disturbed: async () => void (await disturbed),
    async end(started) {
      const wrongs = await Promise.all(sets.map((set) => endSet(stack, client, set, started)))
      return wrongs.flat()
    },
  }
}

/** Half of the rows of a retried set fail in each round. */
function planRow(plan: RunPlan, intent: SetIntent, row: number): RunPlan {
  if (intent !== 'retry') return { ...plan, intent }
  const common = { ...plan, task: 'probe' } as const
  return row % 2 === 0
    ? { ...common, intent: 'fail', inputs: { exit_code: FAILING_EXIT_CODE }, outputs: {} }
    : { ...common, intent: 'complete', inputs: { print: `row ${row}` }, outputs: { result: 'done' } }
}

async function disturbSet(client: PersistentClient, { id, intent, plans }: DisturbedSet): Promise<void> {
  if (intent === 'complete') return
  if (intent === 'retry') {
    for (let retries = 0; retries < RETRIES; retries += 1) await client.retrySet(id)
    return
  }
  await pause(plans[0]?.disturbAfterMs ?? 0)
  await (intent === 'cancel' ? client.cancelSet(id) : client.removeSet(id))
}

async function endSet(
  stack: LocalStack,
  client: PersistentClient,
  { id, intent, plans }: DisturbedSet,
  started: Map<RunPlan, string>,
): Promise<readonly string[]> {
  const wrong = (words: string): readonly string[] => [`run set ${id} (${intent}) ${words}`]
  if (intent === 'delete') return (await client.viewSet(id)) === undefined ? [] : wrong('still exists')
  const view = await endOf(stack, client, id)
  if (view === undefined) return wrong('no longer exists')
  const ids = await client.runsOfSet(id)
  const states = await Promise.all(ids.map(async (runId) => (await client.view(runId))?.state))
  // All rows are created at once, or none because the set was cancelled before.
  const rows = intent === 'cancel' ? ids.length : plans.length
  for (const [row, plan] of plans.slice(0, rows).entries()) started.set(plan, ids[row] ?? 'none')
  const finished = states.filter((state) => state === 'FINISHED').length
  const counts = { waiting: 0, active: 0, finished, failed: rows - finished, skipped: view.rows - rows }
  const isEnded = view.state === 'FINISHED' || (intent === 'cancel' && view.state === 'CANCELLED')
  const isRetried = intent !== 'retry' || view.round > RETRIES
  if (isEnded && isRetried && isDeepStrictEqual(view.counts, counts)) return []
  return wrong(
    `is ${view.state} in round ${view.round} with ${JSON.stringify(view.counts)}, not ${JSON.stringify(counts)}`,
  )
}

async function endOf(stack: LocalStack, client: PersistentClient, id: string): Promise<SetView | undefined> {
  const giveUpAt = Date.now() + MAX_END_MS
  for (;;) {
    const view = await client.viewSet(id)
    const isOpen = view !== undefined && view.counts.waiting + view.counts.active > 0
    const hasNoEnd = view?.state === 'RUNNING' || view?.state === 'VALIDATING'
    if ((!isOpen && !hasNoEnd) || Date.now() > giveUpAt) return view
    await sweepNow(stack)
    await pause(POLL_MS)
  }
}
