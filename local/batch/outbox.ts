import { backoff, type Pause, retry } from '../../src/shared/retry.ts'
import { createSemaphore } from '../../src/shared/semaphore.ts'
import type { JobEvent } from './job.ts'
import type { StateStore } from './state-store.ts'

/** Delivers one event to its subscribers. */
export type DeliverEvent = (event: JobEvent) => Promise<void>

/**
 * Maximum number of concurrent deliveries. Small, because a burst of submissions would otherwise start a Lambda process for each
 * event; two, so that one slow target does not block all others.
 */
const MAX_AT_A_TIME = 2
const BACKOFF = { retries: Number.POSITIVE_INFINITY, firstMs: 100, longestMs: 5000 }

/** Outbox over the jobs' stored lists of events, which survive the server. `pause` waits before a retry. */
export function createOutbox(
  store: StateStore,
  deliver: DeliverEvent,
  warn: (text: string) => void,
  pause?: Pause,
) {
  const listed = new Set<string>()
  const semaphore = createSemaphore(MAX_AT_A_TIME)

  async function sendAll(jobId: string): Promise<void> {
    await semaphore.acquire()
    try {
      for (let event = firstOf(jobId); event !== undefined; event = firstOf(jobId)) {
        await send(jobId, event)
      }
    } finally {
      semaphore.release()
    }
    listed.delete(jobId)
  }

  function firstOf(jobId: string): JobEvent | undefined {
    return store.findJob(jobId)?.outbox[0]
  }

  function send(jobId: string, event: JobEvent): Promise<void> {
    const attempt = async (): Promise<void> => {
      await deliver(event)
      removeFirst(jobId)
    }
    const isRetryable = (error: unknown): boolean => {
      warn(`event ${event.id} of job ${jobId} waits: ${String(error)}`)
      return true
    }
    return retry(attempt, { pausesMs: backoff(BACKOFF), isRetryable, pause })
  }

  /** Reads the job again, because it may have changed during the delivery. */
  function removeFirst(jobId: string): void {
    const job = store.findJob(jobId)
    if (job !== undefined) store.putJob({ ...job, outbox: job.outbox.slice(1) })
  }

  return {
    /** Starts the delivery of the job's events, unless it is already running. */
    notify(jobId: string): void {
      if (listed.has(jobId)) return
      listed.add(jobId)
      void sendAll(jobId)
    },
  }
}

/** Queue of job events. Events of one job are delivered in order, and retried until delivery succeeds. */
export type Outbox = ReturnType<typeof createOutbox>
