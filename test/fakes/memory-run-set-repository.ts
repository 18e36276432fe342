import { DomainError } from '../../src/contract/errors.ts'
import { placeInSet, type SetRunPlace } from '../../src/contract/set-run-id.ts'
import { isUnfinished, type RunSet } from '../../src/run/set/run-set.ts'
import type { RunSetRepository } from '../../src/run/set/run-set-repository.ts'
import {
  addCounts,
  type CountedReason,
  countChangeOf,
  isOtherReasons,
  MAX_REASONS,
  NO_COUNTS,
  type RoundCounts,
  type RunStep,
  shardOf,
} from '../../src/run/set/set-counts.ts'
import type { Identity } from '../../src/shared/identity.ts'

export interface MemoryRunSetRepository extends RunSetRepository {
  /** Adds a change of a run to the counts of its set. */
  readonly count: (runId: string, step: RunStep) => void
  /** Whether the set is creating the runs of this round. */
  readonly isCreating: (place: SetRunPlace) => boolean
}

/** Key that counts a reason in a shard. */
function keyIn({ reasons }: RoundCounts, { key, otherKey }: CountedReason): string {
  const own = [...reasons.keys()].filter((one) => !isOtherReasons(one))
  return own.length < MAX_REASONS || own.includes(key) ? key : otherKey
}

/** In-memory run set repository for tests. */
export function createMemoryRunSetRepository(
  identity: Identity,
  tasks: { isInstalled(taskId: string): boolean },
): MemoryRunSetRepository {
  const sets = new Map<string, RunSet>()
  const inRemoval = new Map<string, RunSet>()
  const removed = new Map<string, RunSet>()
  /** Counts of each set: a map for each round, by shard. */
  const counts = new Map<string, Map<number, RoundCounts>[]>()
  const countsOf = (setId: string): RoundCounts[] =>
    (counts.get(setId) ?? []).map((shards) => [...shards.values()].reduce(addCounts, NO_COUNTS))
  const now = (): string => identity.now().toISOString()
  const sortKey = ({ createdAt, id }: RunSet): string => `${createdAt}#${id}`

  return {
    count(runId, step) {
      const place = placeInSet(runId)
      const change = place && countChangeOf(place, step)
      if (place === undefined || change === undefined) return
      const rounds = counts.get(place.setId) ?? []
      while (rounds.length < place.round) rounds.push(new Map())
      const shards = rounds[place.round - 1] ?? new Map<number, RoundCounts>()
      const before = shards.get(shardOf(place)) ?? NO_COUNTS
      const { reason, failedRow, ...numbers } = change
      const failedRows = new Set(failedRow === undefined ? [] : [failedRow])
      const reasons = new Map(
        reason === undefined ? [] : [[keyIn(before, reason), { count: 1, row: reason.row }]],
      )
      shards.set(shardOf(place), addCounts(before, { ...numbers, failedRows, reasons }))
      counts.set(place.setId, rounds)
    },

    isCreating({ setId, round }) {
      const found = sets.get(setId)
      return found?.phase === 'creating' && found.round === round
    },

    async create(runSet) {
      if (!tasks.isInstalled(runSet.taskId)) throw new DomainError('INTERNAL_TASK_NOT_FOUND')
      sets.set(runSet.id, structuredClone(runSet))
    },

    find: async (setId) => structuredClone(sets.get(setId)),

    async findCounted(setId) {
      const runSet = sets.get(setId)
      return runSet && structuredClone({ runSet, rounds: countsOf(setId) })
    },

    counts: async (setId) => structuredClone(countsOf(setId)),

    async list(limit, after) {
      // Sets that are being removed are listed until their removal has ended.
      const all = [...sets.values(), ...inRemoval.values()].sort((a, b) => (sortKey(a) < sortKey(b) ? 1 : -1))
      const rest = all.filter((one) => after === undefined || sortKey(one) < after)
      const page = rest.slice(0, limit)
      const last = rest.length > limit ? page.at(-1) : undefined
      const visible = page.filter(({ id }) => sets.has(id))
      return { sets: structuredClone(visible), ...(last && { next: sortKey(last) }) }
    },

    async listIdsByTask(taskId) {
      return [...sets.values(), ...inRemoval.values()]
        .filter((one) => one.taskId === taskId)
        .map(({ id }) => id)
    },

    async change(setId, change) {
      const found = sets.get(setId)
      if (found === undefined) return undefined
      const wanted = Object.entries(change.if) as [keyof RunSet, unknown][]
      if (wanted.some(([name, value]) => found[name] !== value)) return undefined
      const changed = { ...found, ...structuredClone(change.set), updatedAt: now() }
      for (const name of change.remove ?? []) delete changed[name]
      sets.set(setId, changed)
      return structuredClone(changed)
    },

    async listUnfinished(until, limit) {
      return [...[...sets.values()].filter(isUnfinished), ...inRemoval.values()]
        .filter(({ updatedAt }) => updatedAt <= until.toISOString())
        .sort((a, b) => (a.updatedAt < b.updatedAt ? -1 : 1))
        .slice(0, limit)
        .map(({ id }) => id)
    },

    async beginRemoval(setId) {
      const found = sets.get(setId) ?? inRemoval.get(setId)
      if (found === undefined) return undefined
      const hidden = { ...found, executions: found.executions + 1, updatedAt: now() }
      sets.delete(setId)
      inRemoval.set(setId, hidden)
      return structuredClone(hidden)
    },

    findInRemoval: async (setId) => structuredClone(inRemoval.get(setId) ?? removed.get(setId)),

    async endRemoval({ id }) {
      const found = inRemoval.get(id) ?? removed.get(id)
      if (found === undefined) return
      inRemoval.delete(id)
      counts.delete(id)
      removed.set(id, { ...found, updatedAt: now() })
    },

    async listRemoved(until, limit) {
      const due = [...removed.values()].filter(({ updatedAt }) => updatedAt <= until.toISOString())
      return structuredClone(due.sort((a, b) => (a.updatedAt < b.updatedAt ? -1 : 1)).slice(0, limit))
    },

    async remove({ id }) {
      removed.delete(id)
    },
  }
}
