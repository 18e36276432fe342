import { parseJobName } from '../domain/job/job-definition.ts'
import { explainJobFailure, type JobDetail, stateOfJob, taskLogStream } from '../domain/run/job-outcome.ts'
import type { Run, RunFailure, RunJob } from '../domain/run/run.ts'
import { type RunRepository, RunStateConflictError, type RunWorkflow } from '../ports.ts'

interface Dependencies {
  readonly runs: RunRepository
  readonly workflow: RunWorkflow
}

/** What became of an event: told in the log, and what tests look at. */
export type RecordedEvent = 'recorded' | 'not-ours' | 'stale'

/**
 * Takes one state change of a Batch job over to its run. Events come at least once, late and out of order: each write asks
 * for the same attempt and a higher rank, and an end never changes. The last event answers the workflow's token.
 */
export async function recordJobState(deps: Dependencies, job: JobDetail): Promise<RecordedEvent> {
  const name = parseJobName(job.jobName)
  if (name === undefined) return 'not-ours'
  const run = await deps.runs.find(name.runId)
  if (run?.job === undefined || run.job.attempt !== name.attempt) return 'stale'

  const logStreamName = taskLogStream(job)
  const known: RunJob = {
    ...run.job,
    jobId: job.jobId,
    ...(logStreamName === undefined ? {} : { logStreamName }),
  }
  if (job.status === 'FAILED') return recordFailure(deps, run, known, job)
  if (job.status === 'SUCCEEDED') return recordSuccess(deps, run, known, job)
  const to = stateOfJob(job.status)
  return to === undefined ? 'stale' : change(deps, run, { to, set: { job: known } })
}

async function recordFailure(
  deps: Dependencies,
  run: Run,
  known: RunJob,
  job: JobDetail,
): Promise<RecordedEvent> {
  const failure: RunFailure = { ...explainJobFailure(job), attempt: known.attempt }
  const recorded = await change(deps, run, { to: 'FAILED', set: { job: known, failure } })
  // Answered even for a repeated event: the first delivery may have died after its write.
  if (known.taskToken !== undefined) {
    await deps.workflow.failToken(known.taskToken, failure.kind, failure.message)
  }
  return recorded
}

/** The run stays RUNNING until its outputs are checked; only then is it FINISHED. */
async function recordSuccess(
  deps: Dependencies,
  run: Run,
  known: RunJob,
  job: JobDetail,
): Promise<RecordedEvent> {
  const succeeded: RunJob = { ...known, succeededAttempt: Math.max(1, job.attempts.length) }
  try {
    await deps.runs.recordJob(run.id, succeeded, { attempt: known.attempt })
  } catch (error) {
    if (!(error instanceof RunStateConflictError)) throw error
    return 'stale'
  }
  if (known.taskToken !== undefined) await deps.workflow.succeedToken(known.taskToken, { runId: run.id })
  return 'recorded'
}

async function change(
  deps: Dependencies,
  run: Run,
  transition: Parameters<RunRepository['transition']>[1],
): Promise<RecordedEvent> {
  try {
    await deps.runs.transition(run.id, {
      ...transition,
      ...(run.job === undefined ? {} : { attempt: run.job.attempt }),
    })
    return 'recorded'
  } catch (error) {
    if (error instanceof RunStateConflictError) return 'stale'
    throw error
  }
}
