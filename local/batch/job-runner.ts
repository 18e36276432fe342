import { rm } from 'node:fs/promises'
import { type AttemptOutcome, type AttemptStop, concludeAttempt, SERVER_STOPPED } from './attempt-outcome.ts'
import { hasEnded, type Job } from './job.ts'
import { type EventOrigin, withChange } from './job-events.ts'
import type { Outbox } from './outbox.ts'
import { shouldRetry } from './retry-strategy.ts'
import { type RunTask, type TaskEnd, volumeRoot } from './run-task.ts'
import type { StateStore } from './state-store.ts'

export interface JobRunnerDependencies {
  readonly store: StateStore
  readonly outbox: Outbox
  readonly runTask: RunTask
  readonly origin: EventOrigin
  /** Number of concurrent jobs. */
  readonly capacity: number
  readonly workDirectory: string
  /** Limit of attempts in addition to their jobs' own. */
  readonly longestAttemptSeconds?: () => number | undefined
  readonly now: () => number
  readonly uuid: () => string
}

interface RunningJob {
  readonly controller: AbortController
  readonly finished: Promise<void>
}

/** Maximum delay of a timer; about 24 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Creates a runner for the jobs of a store. */
export function createJobRunner(dependencies: JobRunnerDependencies) {
  const { store, outbox, runTask, origin, capacity, workDirectory, now, uuid } = dependencies
  let waiting: string[] = []
  const running = new Map<string, RunningJob>()
  let isStopped = false

  function change(jobId: string, fields: Partial<Job>): Job {
    const job = store.findJob(jobId)
    if (job === undefined) throw new Error(`no job ${jobId}`)
    const changed = withChange(job, fields, { origin, now: now(), id: uuid() })
    store.putJob(changed)
    outbox.notify(jobId)
    return changed
  }

  function enqueue(jobId: string): void {
    change(jobId, { status: 'RUNNABLE' })
    waiting.push(jobId)
    startWaiting()
  }

  /** Longest waiting job of the share with the fewest running jobs: the fair-share policy of the queues on AWS. */
  function takeNext(): string | undefined {
    const shareOf = (jobId: string): string => store.findJob(jobId)?.shareIdentifier ?? ''
    const used = new Map<string, number>()
    for (const jobId of running.keys()) used.set(shareOf(jobId), (used.get(shareOf(jobId)) ?? 0) + 1)
    let next: { readonly index: number; readonly used: number } | undefined
    for (const [index, jobId] of waiting.entries()) {
      const ofShare = used.get(shareOf(jobId)) ?? 0
      if (next === undefined || ofShare < next.used) next = { index, used: ofShare }
      if (next.used === 0) break
    }
    return next === undefined ? undefined : waiting.splice(next.index, 1)[0]
  }

  function startWaiting(): void {
    while (!isStopped && running.size < capacity) {
      const jobId = takeNext()
      if (jobId === undefined) return
      const controller = new AbortController()
      running.set(jobId, { controller, finished: runOnce(jobId, controller) })
    }
  }

  /** Runs one attempt. A further attempt waits in the queue like any other job. */
  async function runOnce(jobId: string, controller: AbortController): Promise<void> {
    const isRetried = await runAttempt(jobId, controller).catch((error: unknown) => {
      finish(jobId, { succeeded: false, statusReason: `The local Batch server failed: ${String(error)}` })
      return false
    })
    running.delete(jobId)
    if (isRetried) enqueue(jobId)
    else startWaiting()
  }

  /** @returns whether the job is retried */
  async function runAttempt(jobId: string, controller: AbortController): Promise<boolean> {
    const job = change(jobId, { status: 'STARTING' })
    const attempt = job.attempts.length + 1
    const root = volumeRoot(workDirectory, jobId, attempt)
    let startedAt: number | undefined
    let timer: NodeJS.Timeout | undefined
    const onStarted = (logStreamNames: Readonly<Record<string, string>>): void => {
      if (startedAt !== undefined) return
      startedAt = now()
      change(jobId, { status: 'RUNNING', startedAt, logStreamNames })
      timer = startTimer(job, controller, dependencies.longestAttemptSeconds?.())
    }
    try {
      const end = await runTask({ job, attempt, root, signal: controller.signal, onStarted })
      return conclude(jobId, end, startedAt, controller.signal.reason as AttemptStop | undefined)
    } finally {
      clearTimeout(timer)
      // A server that is not root cannot remove files that containers wrote as other users; they remain.
      await rm(root, { recursive: true, force: true }).catch(() => undefined)
    }
  }

  /** @returns whether the job is retried */
  function conclude(jobId: string, end: TaskEnd, startedAt: number | undefined, stop?: AttemptStop): boolean {
    const job = store.findJob(jobId)
    if (job === undefined || stop === 'server-stopped') return false
    const outcome = concludeAttempt(job.containers, end.containers, stop, job.endReason)
    const attempts = [...job.attempts, describeAttempt(end, outcome, startedAt)]
    store.putJob({ ...job, attempts })
    const failure = { statusReason: outcome.statusReason, containers: end.containers }
    const isFinal = outcome.succeeded || stop !== undefined
    if (!isFinal && shouldRetry(job.retryStrategy, failure, attempts.length)) return true
    finish(jobId, outcome)
    return false
  }

  function describeAttempt(
    { taskArn, containers }: TaskEnd,
    { statusReason }: AttemptOutcome,
    startedAt: number | undefined,
  ): Job['attempts'][number] {
    const times = startedAt === undefined ? {} : { startedAt }
    return { ...times, stoppedAt: now(), statusReason, taskProperties: [{ taskArn, containers }] }
  }

  function finish(jobId: string, { succeeded, statusReason }: AttemptOutcome): void {
    change(jobId, { status: succeeded ? 'SUCCEEDED' : 'FAILED', statusReason, stoppedAt: now() })
  }

  return {
    /** Accepts a job in state SUBMITTED. */
    accept(job: Job): void {
      store.putJob(job)
      change(job.jobId, { status: 'PENDING' })
      enqueue(job.jobId)
    },

    /** Ends the job; with `onlyWaiting`, only if it has not started. */
    end(job: Job, reason: string, onlyWaiting: boolean): void {
      if (hasEnded(job)) return
      const live = running.get(job.jobId)
      if (live !== undefined && onlyWaiting) return
      store.putJob({ ...job, endReason: reason })
      if (live !== undefined) {
        stopRunning(live.controller, 'terminated')
        return
      }
      waiting = waiting.filter((jobId) => jobId !== job.jobId)
      finish(job.jobId, { succeeded: false, statusReason: reason })
    },

    /** Takes over the jobs of an earlier server process. */
    resume(): void {
      for (const job of store.jobs()) {
        if (job.outbox.length > 0) outbox.notify(job.jobId)
        if (job.status === 'STARTING' || job.status === 'RUNNING') {
          finish(job.jobId, { succeeded: false, statusReason: SERVER_STOPPED })
        } else if (!hasEnded(job)) enqueue(job.jobId)
      }
    },

    /** Kills running containers without changing their jobs: the next server process ends those. */
    async stop(): Promise<void> {
      isStopped = true
      const ends = [...running.values()].map(({ controller, finished }) => {
        stopRunning(controller, 'server-stopped')
        return finished
      })
      await Promise.allSettled(ends)
    },
  }
}

/** Runs jobs, up to a number of concurrent ones. */
export type JobRunner = ReturnType<typeof createJobRunner>

/** The first reason counts: a second `abort` has no effect. */
function stopRunning(controller: AbortController, reason: AttemptStop): void {
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
  const milliseconds = Math.min(seconds * 1000, LONGEST_TIMER_MS)
  return setTimeout(() => stopRunning(controller, 'timed-out'), milliseconds)
}
