import { DomainError } from '../../src/contract/errors.ts'
import { isUnfinished, type RunSet } from '../../src/run/set/run-set.ts'
import type { RunSetRepository } from '../../src/run/set/run-set-repository.ts'
import {
  addCounts,
  countChangeOf,
  NO_COUNTS,
  type RoundCounts,
  type RunStep,
} from '../../src/run/set/set-counts.ts'
import { placeInSet, type SetRunPlace } from '../../src/run/set/set-run-id.ts'
import type { Identity } from '../../src/shared/identity.ts'

export interface MemoryRunSetRepository extends RunSetRepository {
  /** Adds a step of a run to the counts of its set. */
  readonly count: (runId: string, step: RunStep) => void
  /** Whether the set creates the runs of a round now. */
  readonly isCreating: (place: SetRunPlace) => boolean
}

/** In-memory run set repository for tests. */
export function createMemoryRunSetRepository(
  identity: Identity,
  tasks: { isInstalled(taskId: string): boolean },
): MemoryRunSetRepository {
  const sets = new Map<string, RunSet>()
  const inRemoval = new Map<string, RunSet>()
  const removed = new Map<string, RunSet>()
  const counts = new Map<string, RoundCounts[]>()
  const now = (): string => identity.now().toISOString()
  const sortKey = ({ createdAt, id }: RunSet): string => `${createdAt}#${id}`

  return {
    count(runId, step) {
      const place = placeInSet(runId)
      const change = place && countChangeOf(place, step)
      if (place === undefined || change === undefined) return
      const rounds = counts.get(place.setId) ?? []
      while (rounds.length < place.round) rounds.push(NO_COUNTS)
      const { reason, ...numbers } = change
      const reasons = new Map(reason === undefined ? [] : [[reason.key, { count: 1, row: reason.row }]])
      const index = place.round - 1
      rounds[index] = addCounts(rounds[index] ?? NO_COUNTS, { ...numbers, reasons })
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
      return runSet && structuredClone({ runSet, rounds: counts.get(setId) ?? [] })
    },

    counts: async (setId) => structuredClone(counts.get(setId) ?? []),

    async list(limit, after) {
      const all = [...sets.values()].sort((a, b) => (sortKey(a) < sortKey(b) ? 1 : -1))
      const rest = all.filter((one) => after === undefined || sortKey(one) < after)
      const page = rest.slice(0, limit)
      const last = rest.length > limit ? page.at(-1) : undefined
      return { sets: structuredClone(page), ...(last && { next: sortKey(last) }) }
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
