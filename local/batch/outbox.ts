import { setTimeout as delay } from 'node:timers/promises'
import type { JobEvent } from './job.ts'
import type { StateStore } from './state-store.ts'

/** Brings events to whoever listens. */
export type DeliverEvent = (event: JobEvent) => Promise<void>

/** Events of jobs on their way out: those of one job in order, until each has been taken. */
export interface Outbox {
  /** Looks at the job's events; a job that is being looked at already is not disturbed. */
  notify(jobId: string): void
}

/**
 * Few at a time: a burst of submissions would otherwise start a Lambda process for each event. Two, so that one slow
 * listener does not hold up all others.
 */
const MOST_AT_A_TIME = 2
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

/** An outbox on top of the jobs' own lists of events, which outlive the server. `pause` waits before a next try. */
export function createOutbox(
  store: StateStore,
  deliver: DeliverEvent,
  warn: (text: string) => void,
  pause: (milliseconds: number) => Promise<unknown> = (milliseconds) => delay(milliseconds),
): Outbox {
  const waiting: string[] = []
  const listed = new Set<string>()
  let working = 0

  function notify(jobId: string): void {
    if (listed.has(jobId)) return
    listed.add(jobId)
    waiting.push(jobId)
    work()
  }

  function work(): void {
    while (working < MOST_AT_A_TIME) {
      const jobId = waiting.shift()
      if (jobId === undefined) return
      working += 1
      void sendAll(jobId).finally(() => {
        working -= 1
        work()
      })
    }
  }

  async function sendAll(jobId: string): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; ; ) {
      const event = store.findJob(jobId)?.outbox[0]
      if (event === undefined) break
      try {
        await deliver(event)
        removeFirst(jobId)
        pauseMs = FIRST_PAUSE_MS
      } catch (error) {
        warn(`event ${event.id} of job ${jobId} waits: ${String(error)}`)
        await pause(pauseMs)
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
      }
    }
    listed.delete(jobId)
  }

  /** Of the job as it is now: it may have changed during the delivery. */
  function removeFirst(jobId: string): void {
    const job = store.findJob(jobId)
    if (job !== undefined) store.putJob({ ...job, outbox: job.outbox.slice(1) })
  }

  return { notify }
}
