import type { Metrics } from '../shared/metrics-port.ts'
import type { JobUsage, Run } from './run.ts'
import type { RunRepository } from './run-repository.ts'
import { isFinal } from './transitions.ts'

/**
 * Decorates a repository with metrics for each run that ends. The write that ends a run counts it, so each run is counted at most once. It
 * is not counted when the response to that write is lost.
 */
export function withMetrics(runs: RunRepository, metrics: Metrics): RunRepository {
  return {
    ...runs,

    async transition(runId, transition) {
      const run = await runs.transition(runId, transition)
      if (isFinal(run.state)) recordEnd(metrics, run)
      return run
    },

    async recordUsage(runId, attempt, usage) {
      const isNew = await runs.recordUsage(runId, attempt, usage)
      if (isNew) recordUsage(metrics, usage)
      return isNew
    },
  }
}

/** Decorates a repository: calls `onRun` with each run that is found or changes its state. */
export function withObserver(runs: RunRepository, onRun: (run: Run) => void): RunRepository {
  return {
    ...runs,

    async find(runId) {
      const run = await runs.find(runId)
      if (run !== undefined) onRun(run)
      return run
    },

    async transition(runId, transition) {
      const run = await runs.transition(runId, transition)
      onRun(run)
      return run
    },
  }
}

function recordEnd(metrics: Metrics, { id, taskId, failure, job }: Run): void {
  metrics.count('RunsEnded', failure?.kind ?? 'finished', { runId: id, taskId })
  if (job?.usage !== undefined) recordUsage(metrics, job.usage)
}

function recordUsage(metrics: Metrics, usage: JobUsage): void {
  metrics.observe('QueueSeconds', usage.queueSeconds)
  metrics.observe('JobSeconds', usage.jobSeconds)
  metrics.observe('RunCost', usage.usd)
}
