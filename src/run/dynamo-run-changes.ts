import type { DynamoWrites, ItemChange } from '../aws/dynamo-writes.ts'
import type { Identity } from '../shared/identity.ts'
import { ignoring } from '../shared/ignoring.ts'
import type { Run } from './run.ts'
import { inStates, transitionOf, usageChangeOf, withJob, withProvisions } from './run-changes.ts'
import { decodeRun, rowAttributes, runKey, visibleRun } from './run-items.ts'
import { type RunRepository, RunStateConflictError } from './run-repository.ts'
import { statesAllowedBefore } from './states-allowed.ts'
import { ACTIVE_STATES, isFinal, isProvisionable, RUN_STATES } from './transitions.ts'

const PROVISIONABLE = RUN_STATES.filter(isProvisionable)

/** Maximum number of paths of an update: an expression may have 4 KB, of which a provision takes about 30 bytes. */
const MAX_PATHS = 100

/** Changes of runs in the table, each one UpdateItem whose condition names the allowed states. */
export function createDynamoRunChanges(
  writes: DynamoWrites,
  identity: Identity,
  find: RunRepository['find'],
): Pick<
  RunRepository,
  'transition' | 'recordProvisions' | 'replaceProvisions' | 'recordJob' | 'recordUsage' | 'recordStage'
> {
  async function apply(runId: string, change: ItemChange): Promise<Run> {
    const { isChanged, item } = await writes.update(runKey(runId), change)
    if (isChanged) return decodeRun(item)
    throw new RunStateConflictError(visibleRun(item))
  }

  const change = (runId: string, { set, ...rest }: ItemChange): Promise<Run> =>
    apply(runId, { ...rest, set: { ...set, updatedAt: identity.now().toISOString() } })

  const replaceProvisions: RunRepository['replaceProvisions'] = (runId, { from, to }) =>
    change(runId, { set: { provisions: to }, ...withProvisions(inStates(PROVISIONABLE), from) })

  return {
    async transition(runId, transition) {
      // No state allows it, and `IN ()` is not a valid expression.
      if (statesAllowedBefore(transition).length === 0) {
        throw new RunStateConflictError(await find(runId))
      }
      return apply(runId, transitionOf(runId, transition, identity.now().toISOString()))
    },

    async recordProvisions(runId, provisions) {
      const entries = Object.entries(provisions)
      if (entries.length > MAX_PATHS) return mergeProvisions({ find, replaceProvisions }, runId, provisions)
      return change(runId, { setWithin: { provisions }, ...inStates(PROVISIONABLE) })
    },

    replaceProvisions,

    async recordJob(runId, job, condition) {
      const states = inStates(RUN_STATES.filter((state) => !isFinal(state)))
      return change(runId, {
        set: { job, ...rowAttributes({ job }) },
        ...withJob(states, condition),
      })
    },

    async recordUsage(runId, attempt, usage) {
      return (await writes.update(runKey(runId), usageChangeOf(attempt, usage))).isChanged
    },

    async recordStage(runId, stage, seconds) {
      const report = { endedAt: identity.now().toISOString(), seconds }
      await writes.update(runKey(runId), { set: { [stage]: report }, ...inStates(ACTIVE_STATES) })
    },
  }
}

/** Replaces the whole map with optimistic locking. Each retry means that a concurrent call succeeded, so the loop ends. */
async function mergeProvisions(
  { find, replaceProvisions }: Pick<RunRepository, 'find' | 'replaceProvisions'>,
  runId: string,
  provisions: Run['provisions'],
): Promise<Run> {
  for (;;) {
    const run = await find(runId)
    if (run === undefined || !isProvisionable(run.state)) throw new RunStateConflictError(run)
    const merged = { from: run.provisions, to: { ...run.provisions, ...provisions } }
    const changed = await ignoring(replaceProvisions(runId, merged), RunStateConflictError)
    if (changed !== undefined) return changed
  }
}
