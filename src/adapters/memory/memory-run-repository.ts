import type { InputValue, Run } from '../../domain/run/run.ts'
import { isActive, isFinal, isProvisionable } from '../../domain/run/transitions.ts'
import { type Identity, type RunRepository, RunStateConflictError } from '../../ports.ts'
import { statesAllowedBefore } from '../states-allowed.ts'

/** Runs in this process, for tests. */
export function createMemoryRunRepository(identity: Identity): RunRepository {
  const runs = new Map<string, Run>()
  const values = new Map<string, InputValue>()
  const valueKey = (runId: string, parameterName: string, valueId: string): string =>
    JSON.stringify([runId, parameterName, valueId])

  function change(runId: string, isAllowed: (run: Run) => boolean, changes: (run: Run) => Partial<Run>): Run {
    const run = runs.get(runId)
    if (run === undefined || !isAllowed(run)) throw new RunStateConflictError(structuredClone(run))
    const changed = { ...run, ...structuredClone(changes(run)), updatedAt: identity.now().toISOString() }
    runs.set(runId, changed)
    return structuredClone(changed)
  }

  return {
    async create(run) {
      if (runs.has(run.id)) throw new Error('a run with this id exists')
      runs.set(run.id, structuredClone(run))
    },

    async find(runId) {
      return structuredClone(runs.get(runId))
    },

    async listByTask(taskId) {
      const sortKey = (run: Run): string => `${run.createdAt}#${run.id}`
      return structuredClone([...runs.values()].filter((run) => run.taskId === taskId)).sort((a, b) =>
        sortKey(a) < sortKey(b) ? 1 : -1,
      )
    },

    async transition(runId, transition) {
      const allowed = statesAllowedBefore(transition)
      return change(
        runId,
        (run) =>
          allowed.includes(run.state) &&
          (transition.attempt === undefined || run.job?.attempt === transition.attempt),
        () => ({ ...transition.set, state: transition.to }),
      )
    },

    async recordProvision(runId, parameterName, provision) {
      return change(
        runId,
        (run) => isProvisionable(run.state),
        (run) => ({ provisions: { ...run.provisions, [parameterName]: provision } }),
      )
    },

    async recordJob(runId, job, condition) {
      return change(
        runId,
        (run) => !isFinal(run.state) && (condition === undefined || run.job?.attempt === condition.attempt),
        () => ({ job }),
      )
    },

    async putInput(value) {
      values.set(valueKey(value.runId, value.parameterName, value.valueId), structuredClone(value))
    },

    async findInput(runId, parameterName, valueId) {
      return structuredClone(values.get(valueKey(runId, parameterName, valueId)))
    },

    async listInputs(run) {
      return Object.entries(run.provisions).flatMap(([parameterName, provision]) => {
        if (provision.kind === 'cleared') return []
        const value = values.get(valueKey(run.id, parameterName, provision.valueId))
        return value === undefined ? [] : [structuredClone(value)]
      })
    },

    async listActive(limit) {
      const changedAt = (run: Run): string => run.updatedAt ?? run.createdAt
      return structuredClone([...runs.values()].filter((run) => isActive(run.state)))
        .sort((a, b) => (changedAt(a) < changedAt(b) ? -1 : 1))
        .slice(0, limit)
    },

    async remove(run) {
      for (const [key, value] of values) if (value.runId === run.id) values.delete(key)
      runs.delete(run.id)
    },
  }
}
