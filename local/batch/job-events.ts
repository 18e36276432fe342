import { describe, type Job, type JobEvent } from './job.ts'

/** Account and Region in the events. */
export interface EventOrigin {
  readonly account: string
  readonly region: string
}

/** The job after a change of state, with the event of that change appended to its outbox. */
export function withChange(
  job: Job,
  change: Partial<Job>,
  { origin, now, id }: { readonly origin: EventOrigin; readonly now: number; readonly id: string },
): Job {
  const changed = { ...job, ...change }
  const event: JobEvent = {
    version: '0',
    id,
    'detail-type': 'Batch Job State Change',
    source: 'aws.batch',
    ...origin,
    // EventBridge's times have no fraction.
    time: `${new Date(now).toISOString().slice(0, 19)}Z`,
    resources: [job.jobArn],
    detail: describe(changed),
  }
  return { ...changed, outbox: [...job.outbox, event] }
}
