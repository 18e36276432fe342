import type { ItemChange } from '../aws/dynamo-writes.ts'
import { TABLE } from '../contract/environment.ts'
import { enteredState } from './entered-states.ts'
import type { JobUsage, Run } from './run.ts'
import { activePartitionOf, enteredAttribute, IN_REMOVAL, rowAttributes } from './run-items.ts'
import type { RunRepository, RunTransition } from './run-repository.ts'
import { rowCost } from './run-row.ts'
import { statesAllowedBefore } from './states-allowed.ts'
import { isActive, isFinal, RUN_STATES } from './transitions.ts'

/*
 * Conditional updates of a run's item.
 */

const { partitionKey: INDEX_PARTITION } = TABLE.unfinishedIndex

type Guard = Required<Pick<ItemChange, 'condition' | 'values'>>

/** Condition: the run exists, is not being removed, and is in one of the states. */
export function inStates(states: readonly Run['state'][]): Guard {
  const values = Object.fromEntries(states.map((state, index) => [`:state${index}`, state]))
  return {
    condition: `#state IN (${Object.keys(values).join(', ')}) AND attribute_not_exists(#${IN_REMOVAL})`,
    values,
  }
}

/** Adds the condition that the run has these provisions. */
export function withProvisions(guard: Guard, provisions: Run['provisions']): Guard {
  return {
    condition: `${guard.condition} AND #provisions = :provisions`,
    values: { ...guard.values, ':provisions': provisions },
  }
}

/** Adds the condition that the run's job has this attempt; undefined: that it has no job. */
function withAttempt(guard: Guard, attempt: number | undefined): Guard {
  if (attempt === undefined)
    return { ...guard, condition: `${guard.condition} AND attribute_not_exists(#job)` }
  return {
    condition: `${guard.condition} AND #job.#attempt = :attempt`,
    values: { ...guard.values, ':attempt': attempt },
  }
}

/** Adds the condition of {@link RunRepository.recordJob}. */
export function withJob(guard: Guard, condition: Parameters<RunRepository['recordJob']>[2]): Guard {
  if (condition === undefined) return guard
  if (!('ifJob' in condition)) return withAttempt(guard, condition.attempt)
  if (condition.ifJob === undefined) return withAttempt(guard, undefined)
  return {
    condition: `${guard.condition} AND #job = :job`,
    values: { ...guard.values, ':job': condition.ifJob },
  }
}

/** The update of {@link RunRepository.recordUsage}. */
export function usageChangeOf(attempt: number, usage: JobUsage): ItemChange {
  const guard = withAttempt(inStates(RUN_STATES.filter(isFinal)), attempt)
  return {
    set: { rowCost: rowCost(usage) },
    setWithin: { job: { usage } },
    condition: `${guard.condition} AND attribute_not_exists(#job.#usage)`,
    values: guard.values,
  }
}

/** Update that makes a transition; `at` is its time (ISO-8601 UTC). */
export function transitionOf(runId: string, transition: RunTransition, at: string): ItemChange {
  const { to, set = {}, attempt, ifJob, ifProvisions } = transition
  const allowed = inStates(statesAllowedBefore(transition))
  const states = ifProvisions === undefined ? allowed : withProvisions(allowed, ifProvisions)
  const entered = { [enteredAttribute(to)]: enteredState(transition, at) }
  const facts = { state: to, ...entered, updatedAt: at, ...set, ...rowAttributes(set) }
  const ofAttempt = attempt === undefined ? states : withAttempt(states, attempt)
  const guard = ifJob === undefined ? ofAttempt : withJob(ofAttempt, { ifJob })
  return isActive(to)
    ? { ...guard, set: { ...facts, [INDEX_PARTITION]: activePartitionOf(runId) } }
    : { ...guard, set: facts, remove: [INDEX_PARTITION] }
}
