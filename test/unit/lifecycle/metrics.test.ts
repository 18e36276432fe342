import { describe, expect, it } from 'vitest'
import { cancelRun } from '../../../src/lifecycle/cancel-run.ts'
import { failRun } from '../../../src/lifecycle/fail-run.ts'
import { recordJobState } from '../../../src/lifecycle/record-job-state.ts'
import { submitJob } from '../../../src/lifecycle/submit-job.ts'
import { reportStage } from '../../../src/outputs/stage-files.ts'
import { jobNameOf } from '../../../src/run/job/job-definition.ts'
import { type JobDetail, jobDetailSchema } from '../../../src/run/job/job-outcome.ts'
import { aTask, RUN_ID } from '../../fixtures/builders.ts'
import { aBundle, packZip } from '../../fixtures/bundle-builder.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { anImporter, put, run, runToTheEnd, UPLOAD_ID } from '../../fixtures/memory-importer.ts'

const ENDED = { createdAt: 0, attempts: [{ startedAt: 30_000, stoppedAt: 90_000 }] }

const anEvent = (status: JobDetail['status'], changes: object = {}): JobDetail =>
  jobDetailSchema.parse({ jobName: jobNameOf(RUN_ID, 1), jobId: 'job-1', status, ...changes })

async function submitted() {
  const engine = await anEngine({ run: { state: 'QUEUING' } })
  await submitJob(engine, { runId: RUN_ID, taskToken: 'token' })
  return engine
}

describe('metrics of runs', () => {
  it('count an end once for repeated events', async () => {
    const engine = await submitted()

    for (const _ of [1, 2, 3]) await recordJobState(engine, anEvent('FAILED', ENDED))
    await failRun(engine, { runId: RUN_ID, error: 'JobFailed', cause: '' })

    expect([...engine.metrics.counts]).toEqual([['RunsEnded engine-error', 1]])
    expect(Object.fromEntries(engine.metrics.observed)).toMatchObject({
      QueueSeconds: [30],
      JobSeconds: [60],
    })
  })

  it('ignore late events, except for the usage of a cancelled run', async () => {
    const engine = await submitted()
    const { updatedAt } = await cancelRun(engine, RUN_ID)

    for (const _ of [1, 2]) await recordJobState(engine, anEvent('FAILED', ENDED))

    expect([...engine.metrics.counts]).toEqual([['RunsEnded cancelled', 1]])
    expect(engine.metrics.observed.get('JobSeconds')).toEqual([60])
    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'FAILED',
      failure: { kind: 'cancelled' },
      updatedAt,
      job: { usage: { jobSeconds: 60 } },
    })
  })

  it('count runs that no machine is large enough for', async () => {
    const task = aTask({ jobDefinitionArn: null })
    const engine = await anEngine({ task, run: { state: 'QUEUING' } })

    await submitJob(engine, { runId: RUN_ID, taskToken: 'token' })

    expect([...engine.metrics.counts]).toEqual([['RunsEnded unschedulable', 1]])
  })

  it('are stored in the run when its job has succeeded, and do not change later', async () => {
    const engine = await submitted()

    await recordJobState(engine, anEvent('SUCCEEDED', ENDED))
    await recordJobState(engine, anEvent('SUCCEEDED', { ...ENDED, createdAt: 1000 }))

    const found = await engine.runs.find(RUN_ID)
    expect(found?.state).toBe('RUNNING')
    expect(found?.job?.usage).toMatchObject({ queueSeconds: 30, jobSeconds: 60 })
  })

  it('include the stager’s transfer times, if the secret is right', async () => {
    const engine = await submitted()

    await reportStage(engine, RUN_ID, 'secret-of-the-run', { stage: 'in', seconds: 3 })
    await reportStage(engine, RUN_ID, 'secret-of-the-run', { stage: 'out', seconds: 4 })
    const forged = reportStage(engine, RUN_ID, 'guess', { stage: 'in', seconds: 99 })

    await expect(forged).rejects.toMatchObject({ error: 'SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING' })
    expect(Object.fromEntries(engine.metrics.observed)).toEqual({ StageInSeconds: [3], StageOutSeconds: [4] })
  })
})

describe('metrics of imports', () => {
  it('record size and duration of a successful import', async () => {
    const importer = anImporter()
    const bundle = await packZip(await aBundle())
    await put(importer, bundle)

    await run(importer)

    expect([...importer.metrics.counts]).toEqual([['Imports ready', 1]])
    expect(importer.metrics.observed.get('ImportedBytes')).toEqual([bundle.length])
    expect(importer.metrics.observed.get('ImportSeconds')).toHaveLength(1)
  })

  it('distinguish invalid bundles from failures of the system', async () => {
    const importer = anImporter()
    await put(importer, Buffer.from('no zip'))
    await run(importer)
    const broken = anImporter()
    await put(broken, Buffer.from('no zip'))
    const objects = { ...broken.objects, read: () => Promise.reject(new Error('unavailable')) }

    await runToTheEnd({ ...broken, objects }).catch(() => undefined)

    expect([...importer.metrics.counts]).toEqual([['Imports refused', 1]])
    expect([...broken.metrics.counts]).toEqual([['Imports engine-error', 1]])
    expect(await broken.uploads.find(UPLOAD_ID)).toMatchObject({ state: 'FAILED' })
  })
})
