import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { createSeededRandom } from '../../local/batch/seeded-random.ts'
import type { LocalStack } from '../../local/stack.ts'
import { sweepNow } from './disturbances.ts'
import { createPersistentClient, type PersistentClient, type SetView } from './persistent-client.ts'
import { planRuns, type RunPlan } from './run-plan.ts'

/** Actions on a run set after its creation. */
type SetIntent = 'complete' | 'cancel' | 'delete'

/** Rows of the sets. Two sets are disturbed, because one may have ended before. */
const SETS: readonly { readonly intent: SetIntent; readonly rows: number }[] = [
  { intent: 'complete', rows: 40 },
  { intent: 'cancel', rows: 16 },
  { intent: 'delete', rows: 16 },
  { intent: 'delete', rows: 16 },
]
export const ROWS = SETS.reduce((sum, { rows }) => sum + rows, 0)

const POLL_MS = 1000
/** Time limit from the last fault until a set has ended. */
const LONGEST_END_MS = 300_000

/** A run set under test. */
interface DisturbedSet {
  readonly id: string
  readonly intent: SetIntent
  readonly plans: readonly RunPlan[]
}

/** Sets with a row for each plan, whose runs are numbered after the single ones. */
export interface DisturbedSets {
  /** Ids of the sets that are deleted. */
  readonly deleted: readonly string[]
  /** Resolves when the sets are cancelled or deleted. */
  disturbed(): Promise<void>
  /**
   * Waits for the ends of the sets and adds their runs to `started`.
   * @returns one sentence for each fault in their states and counts
   */
  end(started: Map<RunPlan, string>): Promise<readonly string[]>
}

/** Creates the sets and begins to disturb them. */
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
    const own = plans.splice(0, rows).map((plan): RunPlan => ({ ...plan, intent }))
    sets.push({ id: await client.startSet(own), intent, plans: own })
  }
  const disturbed = Promise.all(sets.map((set) => disturbSet(client, set)))
  // The caller gets this error from `disturbed`.
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

async function disturbSet(client: PersistentClient, { id, intent, plans }: DisturbedSet): Promise<void> {
  if (intent === 'complete') return
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
  if (intent === 'delete') return (await client.viewSet(id)) === undefined ? [] : wrong('is there')
  const view = await endOf(stack, client, id)
  if (view === undefined) return wrong('is gone')
  const ids = await client.runsOfSet(id)
  const states = await Promise.all(ids.map(async (runId) => (await client.view(runId))?.state))
  for (const [row, plan] of plans.entries()) started.set(plan, ids[row] ?? 'none')
  const finished = states.filter((state) => state === 'FINISHED').length
  const counts = { waiting: 0, active: 0, finished, failed: plans.length - finished }
  const isEnded = view.state === 'FINISHED' || (intent === 'cancel' && view.state === 'CANCELLED')
  if (isEnded && isDeepStrictEqual(view.counts, counts)) return []
  return wrong(`is ${view.state} with ${JSON.stringify(view.counts)}, not ${JSON.stringify(counts)}`)
}

async function endOf(stack: LocalStack, client: PersistentClient, id: string): Promise<SetView | undefined> {
  const giveUpAt = Date.now() + LONGEST_END_MS
  for (;;) {
    const view = await client.viewSet(id)
    const isOpen = view !== undefined && view.counts.waiting + view.counts.active > 0
    const hasNoEnd = view?.state === 'RUNNING' || view?.state === 'VALIDATING'
    if ((!isOpen && !hasNoEnd) || Date.now() > giveUpAt) return view
    await sweepNow(stack)
    await pause(POLL_MS)
  }
}
