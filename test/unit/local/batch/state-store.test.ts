import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { registerJobDefinitionSchema } from '../../../../local/batch/requests.ts'
import { openStateStore } from '../../../../local/batch/state-store.ts'
import { aDefinition, aJob } from './builders.ts'

const DAY_MS = 24 * 60 * 60 * 1000

describe('the state folder', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'state-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it('is not accessible to other users of the machine, even if it was before', () => {
    mkdirSync(join(directory, 'jobs'), { mode: 0o755 })

    openStateStore(directory, 0).putJob(aJob())

    for (const folder of ['jobs', 'definitions']) {
      expect(statSync(join(directory, folder)).mode & 0o777).toBe(0o700)
    }
    expect(statSync(join(directory, 'jobs/job-1.json')).mode & 0o777).toBe(0o600)
  })

  it('keeps its data for the next server', () => {
    const definition = {
      ...registerJobDefinitionSchema.parse(aDefinition()),
      jobDefinitionArn: 'arn',
      revision: 1,
      status: 'ACTIVE' as const,
    }
    const store = openStateStore(directory, 0)
    store.putJob(aJob())
    store.putJob(aJob({ status: 'RUNNING' }))
    store.putDefinition(definition)

    const next = openStateStore(directory, 0)

    expect(next.findJob('job-1')).toEqual(aJob({ status: 'RUNNING' }))
    expect(next.definitions()).toEqual([definition])
  })

  it('contains no incomplete file', () => {
    const store = openStateStore(directory, 0)

    store.putJob(aJob())

    expect(readdirSync(join(directory, 'jobs'))).toEqual(['job-1.json'])
  })

  it('loses jobs that ended long ago, unless they have undelivered events', () => {
    const store = openStateStore(directory, 0)
    const old = aJob({ status: 'FAILED', stoppedAt: 0 })
    const event = { detail: {} } as never
    store.putJob({ ...old, jobId: 'old' })
    store.putJob({ ...old, jobId: 'untold', outbox: [event] })
    store.putJob({ ...old, jobId: 'recent', stoppedAt: DAY_MS })
    store.putJob(aJob({ jobId: 'active' }))

    const next = openStateStore(directory, DAY_MS + 1)

    const kept = next.jobs().map(({ jobId }) => jobId)
    expect(kept.sort()).toEqual(['active', 'recent', 'untold'])
  })
})
