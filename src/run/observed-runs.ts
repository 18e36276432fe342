import type { Metrics } from '../shared/metrics.ts'
import type { JobUsage, Run } from './run.ts'
import type { RunRepository } from './run-repository.ts'
import { isFinal } from './transitions.ts'

/**
 * The same runs, with figures for each that ends: once, by the write that gave it its end, whichever use case made it. A write
 * whose answer was lost may go uncounted.
 */
export function countEnds(runs: RunRepository, metrics: Metrics): RunRepository {
  return {
    ...runs,

    async transition(runId, transition) {
      const run = await runs.transition(runId, transition)
      if (isFinal(run.state)) tellEnd(metrics, run)
      return run
    },

    async recordUsage(runId, attempt, usage) {
      const isNew = await runs.recordUsage(runId, attempt, usage)
      if (isNew) tellUsage(metrics, usage)
      return isNew
    },
  }
}

/** The same runs; `onSeen` hears of each that is read or changes its state. */
export function hearOfRuns(runs: RunRepository, onSeen: (run: Run) => void): RunRepository {
  return {
    ...runs,

    async find(runId) {
      const run = await runs.find(runId)
      if (run !== undefined) onSeen(run)
      return run
    },

    async transition(runId, transition) {
      const run = await runs.transition(runId, transition)
      onSeen(run)
      return run
    },
  }
}

function tellEnd(metrics: Metrics, { id, taskId, failure, job }: Run): void {
  metrics.count('RunsEnded', failure?.kind ?? 'finished', { runId: id, taskId })
  if (job?.usage !== undefined) tellUsage(metrics, job.usage)
}

function tellUsage(metrics: Metrics, usage: JobUsage): void {
  metrics.observe('QueueSeconds', usage.queueSeconds)
  metrics.observe('JobSeconds', usage.jobSeconds)
  metrics.observe('RunCost', usage.usd)
}
