import type { AttemptOutcome } from './attempt-outcome.ts'
import type { Job } from './job.ts'
import { type EventOrigin, withChange } from './job-events.ts'
import type { Outbox } from './outbox.ts'
import type { StateStore } from './state-store.ts'

export interface JobChangesDependencies {
  readonly store: StateStore
  readonly outbox: Outbox
  readonly origin: EventOrigin
  readonly now: () => number
  readonly uuid: () => string
}

/** Creates functions that change jobs of the store and send an event for each change of status. */
export function createJobChanges({ store, outbox, origin, now, uuid }: JobChangesDependencies) {
  function change(jobId: string, fields: Partial<Job>): Job {
    const job = store.findJob(jobId)
    if (job === undefined) throw new Error(`no job ${jobId}`)
    const changed = withChange(job, fields, { origin, now: now(), id: uuid() })
    store.putJob(changed)
    outbox.notify(jobId)
    return changed
  }

  return {
    change,
    finish(jobId: string, { succeeded, statusReason }: AttemptOutcome): void {
      change(jobId, { status: succeeded ? 'SUCCEEDED' : 'FAILED', statusReason, stoppedAt: now() })
    },
  }
}

export type JobChanges = ReturnType<typeof createJobChanges>
