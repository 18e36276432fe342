import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { createDynamoTable, type DynamoOptions } from '../../aws/dynamo-table.ts'
import { createDynamoWrites, type ItemChange } from '../../aws/dynamo-writes.ts'
import { placeInSet, type SetRunPlace } from '../../contract/set-run-id.ts'
import type { Run } from '../run.ts'
import { transitionOf, usageChangeOf } from '../run-changes.ts'
import { runKey, visibleRun } from '../run-items.ts'
import { type RunRepository, RunStateConflictError, type RunTransition } from '../run-repository.ts'
import { statesAllowedBefore } from '../states-allowed.ts'
import { isFinal, isProvisionable } from '../transitions.ts'
import { additionsOf, countKey } from './run-set-items.ts'
import { countChangeOf, type RunStep } from './set-counts.ts'

/**
 * Decorates the run repository. A step that changes the counts of a set changes run and counts in one transaction, so that retries and
 * crashes cannot distort the counts. All other steps are single updates.
 */
export function withSetCounts(runs: RunRepository, options: DynamoOptions): RunRepository {
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)
  const find = async (runId: string): Promise<Run | undefined> => visibleRun(await table.get(runKey(runId)))

  /** @returns false when a condition failed */
  async function count(
    runId: string,
    place: SetRunPlace,
    step: RunStep,
    change: ItemChange,
  ): Promise<boolean> {
    const changeId = randomUUID()
    const counted = countChangeOf(place, step)
    const updates = [{ update: runKey(runId), change: { ...change, set: { ...change.set, changeId } } }]
    if (counted === undefined) return writes.transact(updates)
    for (const addition of additionsOf(counted)) {
      const counts = { update: countKey(place), change: { ...addition, set: { ...addition.set, changeId } } }
      if (await writes.transact([...updates, counts])) return true
    }
    return false
  }

  /** Repeats only after a concurrent write has changed the run, so it terminates. */
  async function countTransition(runId: string, place: SetRunPlace, transition: RunTransition): Promise<Run> {
    const allowed = statesAllowedBefore(transition)
    for (let tried: Run | undefined; ; ) {
      const run = await find(runId)
      if (run === undefined || !allowed.includes(run.state) || isDeepStrictEqual(run, tried)) {
        throw new RunStateConflictError(run)
      }
      tried = run
      const ifJob = transition.ifJob ?? run.job
      const narrowed = { ...transition, from: [run.state], ...(ifJob && { ifJob }) }
      const change = transitionOf(runId, narrowed, options.identity.now().toISOString())
      if (!(await count(runId, place, stepOf(run, transition), change))) continue
      const changed = await find(runId)
      if (changed === undefined) throw new RunStateConflictError(undefined)
      return changed
    }
  }

  return {
    ...runs,

    async transition(runId, transition) {
      const place = placeInSet(runId)
      return place === undefined || !isCounted(transition)
        ? runs.transition(runId, transition)
        : countTransition(runId, place, transition)
    },

    async recordUsage(runId, attempt, usage) {
      const place = placeInSet(runId)
      if (place === undefined) return runs.recordUsage(runId, attempt, usage)
      const step = { from: 'FAILED', to: 'FAILED', newUsage: usage } as const
      return count(runId, place, step, usageChangeOf(attempt, usage))
    },
  }
}

/** Whether a transition starts or ends a run. */
function isCounted(transition: RunTransition): boolean {
  return isFinal(transition.to) || statesAllowedBefore(transition).some(isProvisionable)
}

/** Usage is counted when the run ends, or later by {@link RunRepository.recordUsage}. */
function stepOf(run: Run, { to, set }: RunTransition): RunStep {
  const usage = isFinal(to) ? (set?.job ?? run.job)?.usage : undefined
  return { from: run.state, to, failure: set?.failure, newUsage: usage }
}
