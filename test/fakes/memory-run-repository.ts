import { Readable } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'
import { DomainError } from '../../src/contract/errors.ts'
import { placeInSet, type SetRunPlace } from '../../src/contract/set-run-id.ts'
import { enteredState } from '../../src/run/entered-states.ts'
import type { InputValue, Run, RunJob } from '../../src/run/run.ts'
import { activePartitionOf } from '../../src/run/run-items.ts'
import {
  type ActiveRunsPlace,
  type RunRepository,
  RunStateConflictError,
} from '../../src/run/run-repository.ts'
import { pageOfRows, type RunRow, rowOf, runOrder } from '../../src/run/run-row.ts'
import type { RunStep } from '../../src/run/set/set-counts.ts'
import { statesAllowedBefore } from '../../src/run/states-allowed.ts'
import { isActive, isFinal, isProvisionable } from '../../src/run/transitions.ts'
import type { Identity } from '../../src/shared/identity.ts'

/** In-memory run repository for tests. */
export function createMemoryRunRepository(
  identity: Identity,
  tasks: { isInstalled(taskId: string): boolean },
  onStep: (runId: string, step: RunStep) => void = () => undefined,
  isCreating: (place: SetRunPlace) => boolean = () => true,
): RunRepository {
  const runs = new Map<string, Run>()
  const inRemoval = new Map<string, Run>()
  const unlisted = new Set<string>()
  const values = new Map<string, InputValue>()
  const results = new Map<string, string>()
  const valueKey = (runId: string, parameterName: string, valueId: string): string =>
    JSON.stringify([runId, parameterName, valueId])

  function listed(all: readonly Run[], taskId: string): Run[] {
    const sortKey = (run: Run): string => `${run.createdAt}#${run.id}`
    return all.filter((run) => run.taskId === taskId).sort((a, b) => (sortKey(a) < sortKey(b) ? 1 : -1))
  }

  function change(runId: string, isAllowed: (run: Run) => boolean, changes: (run: Run) => Partial<Run>): Run {
    const run = runs.get(runId)
    if (run === undefined || !isAllowed(run)) throw new RunStateConflictError(structuredClone(run))
    const changed = { ...run, ...structuredClone(changes(run)), updatedAt: identity.now().toISOString() }
    runs.set(runId, changed)
    const newUsage = isFinal(changed.state) ? changed.job?.usage : undefined
    onStep(runId, { from: run.state, to: changed.state, failure: changed.failure, newUsage })
    return structuredClone(changed)
  }

  function putValue(value: InputValue): void {
    values.set(valueKey(value.runId, value.parameterName, value.valueId), structuredClone(value))
  }

  function removeValues(runId: string): void {
    for (const [key, value] of values) if (value.runId === runId) values.delete(key)
  }

  async function create(run: Run): Promise<void> {
    if (runs.has(run.id)) throw new Error('a run with this id exists')
    if (!tasks.isInstalled(run.taskId)) throw new DomainError('INTERNAL_TASK_NOT_FOUND')
    runs.set(run.id, structuredClone(run))
  }

  return {
    create,

    async createAll(created) {
      const missing = created.filter(({ run }) => !runs.has(run.id))
      const first = missing[0]?.run
      if (first === undefined) return
      // As in DynamoDB, values are stored before their runs, and are kept when the runs are refused.
      for (const { values: itsValues } of missing) for (const value of itsValues) putValue(value)
      if (!tasks.isInstalled(first.taskId)) throw new DomainError('INTERNAL_TASK_NOT_FOUND')
      const place = placeInSet(first.id)
      if (place !== undefined && !isCreating(place)) throw new DomainError('RUN_SET_INVALID_STATE')
      // There is no await in this loop, so that the write is atomic.
      for (const { run } of missing) runs.set(run.id, structuredClone(run))
    },

    async find(runId) {
      return structuredClone(runs.get(runId))
    },

    async findAll(runIds) {
      return structuredClone(runIds.flatMap((runId) => runs.get(runId) ?? []))
    },

    async listByTask(taskId) {
      return structuredClone(listed([...runs.values()], taskId))
    },

    async listIdsByTask(taskId) {
      const all = [...runs.values(), ...inRemoval.values()].filter(({ id }) => !unlisted.has(id))
      return listed(all, taskId).map(({ id }) => id)
    },

    async transition(runId, transition) {
      const allowed = statesAllowedBefore(transition)
      return change(
        runId,
        (run) =>
          allowed.includes(run.state) &&
          (transition.attempt === undefined || run.job?.attempt === transition.attempt) &&
          (transition.ifJob === undefined || isDeepStrictEqual(run.job, structuredClone(transition.ifJob))) &&
          (transition.ifProvisions === undefined ||
            isDeepStrictEqual(run.provisions, structuredClone(transition.ifProvisions))),
        ({ entered }) => ({
          ...transition.set,
          state: transition.to,
          entered: { ...entered, [transition.to]: enteredState(transition, identity.now().toISOString()) },
        }),
      )
    },

    async listPage(query) {
      const { taskId, after } = query
      const rows = [...runs.values()]
        .filter((run) => taskId === undefined || run.taskId === taskId)
        .map(rowOf)
        .filter((row) => after === undefined || runOrder(row) < after)
      return structuredClone(await pageOfRows(Readable.from(newestFirst(rows)), query))
    },

    async findRows(runIds) {
      const found = [...new Set(runIds)].flatMap((id) => runs.get(id) ?? [])
      return structuredClone(newestFirst(found.map(rowOf)))
    },

    async recordProvisions(runId, provisions) {
      return change(
        runId,
        (run) => isProvisionable(run.state),
        (run) => ({ provisions: { ...run.provisions, ...provisions } }),
      )
    },

    async replaceProvisions(runId, { from, to }) {
      return change(
        runId,
        (run) => isProvisionable(run.state) && isDeepStrictEqual(run.provisions, structuredClone(from)),
        () => ({ provisions: to }),
      )
    },

    async recordJob(runId, job, condition) {
      return change(
        runId,
        (run) => !isFinal(run.state) && isJobOf(condition, run.job),
        () => ({ job }),
      )
    },

    async recordUsage(runId, attempt, usage) {
      const run = runs.get(runId)
      if (run?.job === undefined || !isFinal(run.state)) return false
      if (run.job.attempt !== attempt || run.job.usage !== undefined) return false
      runs.set(runId, { ...run, job: { ...run.job, usage: structuredClone(usage) } })
      onStep(runId, { from: run.state, to: run.state, newUsage: usage })
      return true
    },

    async recordResult({ id, resultKey }) {
      results.set(resultKey, id)
    },

    async findByResult(resultKey) {
      const run = runs.get(results.get(resultKey) ?? '')
      return run?.state === 'FINISHED' && run.resultKey === resultKey ? structuredClone(run) : undefined
    },

    async recordStage(runId, stage, seconds) {
      const run = runs.get(runId)
      if (run === undefined || !isActive(run.state)) return
      runs.set(runId, { ...run, [stage]: { endedAt: identity.now().toISOString(), seconds } })
    },

    putInput: async (value) => putValue(value),

    async findInput(runId, parameterName, valueId) {
      return structuredClone(values.get(valueKey(runId, parameterName, valueId)))
    },

    async removeInput({ runId, parameterName, valueId }) {
      values.delete(valueKey(runId, parameterName, valueId))
    },

    async listInputs(run) {
      return Object.entries(run.provisions).flatMap(([parameterName, provision]) => {
        if (provision.kind === 'cleared') return []
        const value = values.get(valueKey(run.id, parameterName, provision.valueId))
        return value === undefined ? [] : [structuredClone(value)]
      })
    },

    async listActive(limit, after) {
      const order = ({ updatedAt, runId }: ActiveRunsPlace): string =>
        `${activePartitionOf(runId)} ${updatedAt} ${runId}`
      const places = [...runs.values()]
        .filter((run) => isActive(run.state))
        .map(({ id, updatedAt }) => ({ runId: id, updatedAt: updatedAt ?? '' }))
        .filter((place) => after === undefined || order(place) > order(after))
        .sort((a, b) => (order(a) < order(b) ? -1 : 1))
        .slice(0, limit)
      const last = places.length < limit ? undefined : places.at(-1)
      return {
        runs: structuredClone(places.flatMap(({ runId }) => runs.get(runId) ?? [])),
        ...(last && { next: last }),
      }
    },

    async beginRemoval(runId) {
      const run = runs.get(runId)
      if (run !== undefined) {
        runs.delete(runId)
        inRemoval.set(runId, { ...run, updatedAt: identity.now().toISOString() })
      }
      return structuredClone(inRemoval.get(runId))
    },

    async postponeRemoval(runId) {
      const run = inRemoval.get(runId)
      if (run !== undefined) inRemoval.set(runId, { ...run, updatedAt: identity.now().toISOString() })
      return structuredClone(inRemoval.get(runId))
    },

    unlist: async ({ id }) => void unlisted.add(id),

    async discardInputs(runId) {
      if (runs.has(runId) || inRemoval.has(runId)) return false
      removeValues(runId)
      return true
    },

    async listInRemoval(until, limit) {
      const begun = ({ updatedAt }: Run): string => updatedAt ?? ''
      return [...inRemoval.values()]
        .filter((run) => begun(run) <= until.toISOString())
        .sort((a, b) => (begun(a) < begun(b) ? -1 : 1))
        .slice(0, limit)
        .map(({ id }) => id)
    },

    async remove(run) {
      removeValues(run.id)
      for (const [key, runId] of results) if (runId === run.id) results.delete(key)
      runs.delete(run.id)
      inRemoval.delete(run.id)
    },
  }
}

function newestFirst(rows: readonly RunRow[]): RunRow[] {
  return rows.toSorted((a, b) => (runOrder(a) < runOrder(b) ? 1 : -1))
}

/** Whether the job matches the condition of a change. */
function isJobOf(condition: Parameters<RunRepository['recordJob']>[2], job: RunJob | undefined): boolean {
  if (condition === undefined) return true
  if (!('ifJob' in condition)) return job?.attempt === condition.attempt
  return isDeepStrictEqual(job, structuredClone(condition.ifJob))
}
