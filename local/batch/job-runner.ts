import { SERVER_STOPPED } from './attempt-outcome.ts'
import { hasEnded, type Job } from './job.ts'
import { createJobChanges, type JobChanges, type JobChangesDependencies } from './job-changes.ts'
import { type AttemptDependencies, runAttempt, stopAttempt } from './run-attempt.ts'
import { createWaitingJobs, type WaitingJobs } from './waiting-jobs.ts'

export interface JobRunnerDependencies extends JobChangesDependencies, AttemptDependencies {
  /** Number of concurrent jobs. */
  readonly capacity: number
}

interface RunningJob {
  readonly controller: AbortController
  readonly finished: Promise<void>
}

/** Runs the jobs of a store, up to a number of concurrent ones. */
export class JobRunner {
  readonly #dependencies: JobRunnerDependencies
  readonly #changes: JobChanges
  readonly #waiting: WaitingJobs
  readonly #running = new Map<string, RunningJob>()
  #isStopped = false

  constructor(dependencies: JobRunnerDependencies) {
    this.#dependencies = dependencies
    this.#changes = createJobChanges(dependencies)
    this.#waiting = createWaitingJobs(dependencies.store)
  }

  /** Accepts a job in state SUBMITTED. */
  accept(job: Job): void {
    this.#dependencies.store.putJob(job)
    this.#changes.change(job.jobId, { status: 'PENDING' })
    this.#enqueue(job.jobId)
  }

  /** Ends the job; with `onlyWaiting`, only if it has not started. */
  end(job: Job, reason: string, onlyWaiting: boolean): void {
    if (hasEnded(job)) return
    const live = this.#running.get(job.jobId)
    if (live !== undefined && onlyWaiting) return
    this.#dependencies.store.putJob({ ...job, endReason: reason })
    if (live !== undefined) {
      stopAttempt(live.controller, 'terminated')
      return
    }
    this.#waiting.remove(job.jobId)
    this.#changes.finish(job.jobId, { succeeded: false, statusReason: reason })
  }

  /** Takes over the jobs of an earlier server process. */
  resume(): void {
    const { store, outbox } = this.#dependencies
    for (const job of store.jobs()) {
      if (job.outbox.length > 0) outbox.notify(job.jobId)
      if (job.status === 'STARTING' || job.status === 'RUNNING') {
        this.#changes.finish(job.jobId, { succeeded: false, statusReason: SERVER_STOPPED })
      } else if (!hasEnded(job)) this.#enqueue(job.jobId)
    }
  }

  /** Kills running containers without changing their jobs: the next server process ends those. */
  async stop(): Promise<void> {
    this.#isStopped = true
    const ends = [...this.#running.values()].map(({ controller, finished }) => {
      stopAttempt(controller, 'server-stopped')
      return finished
    })
    await Promise.allSettled(ends)
  }

  #enqueue(jobId: string): void {
    this.#changes.change(jobId, { status: 'RUNNABLE' })
    this.#waiting.add(jobId)
    this.#startWaiting()
  }

  #startWaiting(): void {
    while (!this.#isStopped && this.#running.size < this.#dependencies.capacity) {
      const jobId = this.#waiting.take(this.#running.keys())
      if (jobId === undefined) return
      const controller = new AbortController()
      this.#running.set(jobId, { controller, finished: this.#runOnce(jobId, controller) })
    }
  }

  /** Runs one attempt. A further attempt waits in the queue like any other job. */
  async #runOnce(jobId: string, controller: AbortController): Promise<void> {
    const attempt = runAttempt(this.#dependencies, this.#changes, jobId, controller)
    const isRetried = await attempt.catch((error: unknown) => {
      const statusReason = `The local Batch server failed: ${String(error)}`
      this.#changes.finish(jobId, { succeeded: false, statusReason })
      return false
    })
    this.#running.delete(jobId)
    if (isRetried) this.#enqueue(jobId)
    else this.#startWaiting()
  }
}
