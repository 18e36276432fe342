import { describe, expect, it, vi } from 'vitest'
import type { JobEvent } from '../../../../local/batch/job.ts'
import { withChange } from '../../../../local/batch/job-events.ts'
import { createOutbox } from '../../../../local/batch/outbox.ts'
import { aJob, createMemoryStore } from './builders.ts'

const origin = { account: '000000000000', region: 'us-east-1' }

function aJobWithEvents(jobId: string, ...ids: string[]) {
  return ids.reduce((job, id) => withChange(job, {}, { origin, now: 0, id }), aJob({ jobId }))
}

describe('the outbox', () => {
  it('delivers the events of a job in order, and removes them', async () => {
    const store = createMemoryStore([aJobWithEvents('job-1', 'a', 'b', 'c')])
    const delivered: string[] = []
    const deliver = async ({ id }: JobEvent) => void delivered.push(id)

    createOutbox(store, deliver, vi.fn()).notify('job-1')

    await vi.waitFor(() => expect(store.findJob('job-1')?.outbox).toEqual([]))
    expect(delivered).toEqual(['a', 'b', 'c'])
  })

  it('retries an event with growing pauses before it sends the next', async () => {
    const store = createMemoryStore([aJobWithEvents('job-1', 'a', 'b')])
    const tries: string[] = []
    const deliver = async ({ id }: JobEvent) => {
      tries.push(id)
      if (tries.length < 4) throw new Error('unavailable')
    }
    const pauses: number[] = []
    const pause = async (milliseconds: number) => pauses.push(milliseconds)

    createOutbox(store, deliver, vi.fn(), pause).notify('job-1')

    await vi.waitFor(() => expect(store.findJob('job-1')?.outbox).toEqual([]))
    expect(tries).toEqual(['a', 'a', 'a', 'a', 'b'])
    expect(pauses).toEqual([100, 200, 400])
  })

  it('delivers events that arrive during a delivery', async () => {
    const store = createMemoryStore([aJobWithEvents('job-1', 'a')])
    const delivered: string[] = []
    const deliver = async ({ id }: JobEvent) => {
      delivered.push(id)
      const job = store.findJob('job-1')
      if (id === 'a' && job !== undefined) {
        store.putJob(withChange(job, { status: 'RUNNING' }, { origin, now: 0, id: 'b' }))
      }
    }

    createOutbox(store, deliver, vi.fn()).notify('job-1')

    await vi.waitFor(() => expect(delivered).toEqual(['a', 'b']))
    expect(store.findJob('job-1')?.status).toBe('RUNNING')
  })

  it('delivers events of other jobs while one delivery hangs', async () => {
    const jobs = [aJobWithEvents('stuck', 'a'), aJobWithEvents('well', 'b'), aJobWithEvents('too', 'c')]
    const store = createMemoryStore(jobs)
    const delivered: string[] = []
    const deliver = ({ id }: JobEvent): Promise<void> => {
      if (id === 'a') return new Promise(() => undefined)
      delivered.push(id)
      return Promise.resolve()
    }
    const outbox = createOutbox(store, deliver, vi.fn())

    for (const { jobId } of jobs) outbox.notify(jobId)

    await vi.waitFor(() => expect(delivered).toEqual(['b', 'c']))
  })
})
