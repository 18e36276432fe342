import { rm } from 'node:fs/promises'
import { type AttemptOutcome, type AttemptStop, concludeAttempt } from './attempt-outcome.ts'
import type { Job } from './job.ts'
import type { JobChanges } from './job-changes.ts'
import { shouldRetry } from './retry-strategy.ts'
import { type RunTask, type TaskEnd, volumeRoot } from './run-task.ts'
import type { StateStore } from './state-store.ts'

export interface AttemptDependencies {
  readonly store: StateStore
  readonly runTask: RunTask
  readonly workDirectory: string
  /** Limit of attempts in addition to their jobs' own. */
  readonly longestAttemptSeconds?: () => number | undefined
  readonly now: () => number
}

/** Maximum delay of a timer; about 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Runs one attempt of a job.
 * @returns whether the job is retried
 */
export async function runAttempt(
  dependencies: AttemptDependencies,
  changes: JobChanges,
  jobId: string,
  controller: AbortController,
): Promise<boolean> {
  const { runTask, workDirectory, now } = dependencies
  const job = changes.change(jobId, { status: 'STARTING' })
  const attempt = job.attempts.length + 1
  const root = volumeRoot(workDirectory, jobId, attempt)
  let startedAt: number | undefined
  let timer: NodeJS.Timeout | undefined
  const onStarted = (logStreamNames: Readonly<Record<string, string>>): void => {
    if (startedAt !== undefined) return
    startedAt = now()
    changes.change(jobId, { status: 'RUNNING', startedAt, logStreamNames })
    timer = startTimer(job, controller, dependencies.longestAttemptSeconds?.())
  }
  try {
    const end = await runTask({ job, attempt, root, signal: controller.signal, onStarted })
    const stop = controller.signal.reason as AttemptStop | undefined
    return conclude(dependencies, changes, jobId, { end, startedAt, stop })
  } finally {
    clearTimeout(timer)
    // A server that is not root cannot remove files that containers wrote as other users; they remain.
    await rm(root, { recursive: true, force: true }).catch(() => undefined)
  }
}

interface AttemptEnd {
  readonly end: TaskEnd
  readonly startedAt: number | undefined
  readonly stop: AttemptStop | undefined
}

/** @returns whether the job is retried */
function conclude(
  { store, now }: AttemptDependencies,
  { finish }: JobChanges,
  jobId: string,
  { end, startedAt, stop }: AttemptEnd,
): boolean {
  const job = store.findJob(jobId)
  if (job === undefined || stop === 'server-stopped') return false
  const outcome = concludeAttempt(job.containers, end.containers, stop, job.endReason)
  const times = { ...(startedAt !== undefined && { startedAt }), stoppedAt: now() }
  const attempts = [...job.attempts, { ...times, ...describeEnd(end, outcome) }]
  store.putJob({ ...job, attempts })
  const failure = { statusReason: outcome.statusReason, containers: end.containers }
  const isFinal = outcome.succeeded || stop !== undefined
  if (!isFinal && shouldRetry(job.retryStrategy, failure, attempts.length)) return true
  finish(jobId, outcome)
  return false
}

function describeEnd(
  { taskArn, containers }: TaskEnd,
  { statusReason }: AttemptOutcome,
): Pick<Job['attempts'][number], 'statusReason' | 'taskProperties'> {
  return { statusReason, taskProperties: [{ taskArn, containers }] }
}

/** Stops a running attempt. The first reason counts: a second `abort` has no effect. */
export function stopAttempt(controller: AbortController, reason: AttemptStop): void {
  controller.abort(reason)
}

/** Time-out of the attempt, counted from RUNNING as in Batch. */
function startTimer(
  { timeout }: Job,
  controller: AbortController,
  longestSeconds = Number.POSITIVE_INFINITY,
): NodeJS.Timeout | undefined {
  const seconds = Math.min(timeout?.attemptDurationSeconds ?? Number.POSITIVE_INFINITY, longestSeconds)
  if (seconds === Number.POSITIVE_INFINITY) return undefined
  const milliseconds = Math.min(seconds * 1000, MAX_TIMER_MS)
  return setTimeout(() => stopAttempt(controller, 'timed-out'), milliseconds)
}
