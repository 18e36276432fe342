import { beforeEach, describe, expect, it } from 'vitest'
import { describeJob, describeOverrides, type JobDefinition } from '../../src/run/job/job-definition.ts'
import type { JobScheduler } from '../../src/run/job/job-scheduler.ts'
import { aTask } from '../fixtures/builders.ts'

/** A job as the scheduler's back end stores it. */
interface SubmittedJob {
  readonly jobName: string
  readonly jobDefinitionArn: string
  /** Environment by container. */
  readonly environment: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly tags: Readonly<Record<string, string>>
}

interface JobSchedulerHarness {
  readonly scheduler: JobScheduler
  /** Container names of an active job definition; undefined when there is none. */
  findContainers(definitionArn: string): Promise<readonly string[] | undefined>
  findJob(jobId: string): Promise<SubmittedJob | undefined>
  /** Reason given for the termination of a job; undefined if it was not terminated. */
  findTermination(jobId: string): Promise<string | undefined>
}

const DEFINITION: JobDefinition = describeJob(
  aTask(),
  'registry.example.org/app-engine/addition@sha256:0',
  {
    queue: 'fargate',
    task: { vcpu: 0.5, memoryMib: 1024 },
    stager: { vcpu: 0.25, memoryMib: 512 },
    diskGib: 21,
    gpus: 0,
  },
  {
    definitionPrefix: 'contract',
    tags: { application: 'contract' },
    stagerImage: 'registry.example.org/stager:1',
    executionRoleArn: 'arn:aws:iam::000000000000:role/execution',
    logGroupName: 'jobs',
    region: 'eu-west-1',
    attemptTimeoutSeconds: 3600,
  },
)
const UNKNOWN_JOB = '99999999-9999-4999-8999-999999999999'

/** Contract of every job scheduler. */
export function describeJobScheduler(adapter: string, setUp: () => Promise<JobSchedulerHarness>): void {
  describe(`job scheduler (${adapter})`, () => {
    let harness: JobSchedulerHarness
    let scheduler: JobScheduler

    beforeEach(async () => {
      harness = await setUp()
      scheduler = harness.scheduler
    })

    async function submitJob(jobName = 'run-1') {
      const jobDefinitionArn = await scheduler.registerDefinition(DEFINITION)
      const overrides = describeOverrides({ APP_ENGINE_RUN_ID: '1' })
      const { jobId } = await scheduler.submit({
        jobName,
        jobQueueArn: 'tasks',
        share: 'runs',
        jobDefinitionArn,
        overrides,
        tags: { 'app-engine:run': '1' },
      })
      return { jobId, jobDefinitionArn }
    }

    it('registers a definition with all its containers', async () => {
      const arn = await scheduler.registerDefinition(DEFINITION)

      expect(arn).toContain(DEFINITION.jobDefinitionName)
      expect(await harness.findContainers(arn)).toEqual(['stage-in', 'task', 'stage-out'])
    })

    it('creates a new revision when a definition is registered again', async () => {
      const first = await scheduler.registerDefinition(DEFINITION)

      const second = await scheduler.registerDefinition(DEFINITION)

      expect(second).not.toBe(first)
      expect(await harness.findContainers(first)).toBeDefined()
    })

    it('deregisters one revision', async () => {
      const first = await scheduler.registerDefinition(DEFINITION)
      const second = await scheduler.registerDefinition(DEFINITION)

      await scheduler.deregisterDefinition(first)

      expect(await harness.findContainers(first)).toBeUndefined()
      expect(await harness.findContainers(second)).toBeDefined()
    })

    it('deregisters all revisions of one name', async () => {
      const other = { ...DEFINITION, jobDefinitionName: `${DEFINITION.jobDefinitionName}-other` }
      const first = await scheduler.registerDefinition(DEFINITION)
      const second = await scheduler.registerDefinition(DEFINITION)
      const kept = await scheduler.registerDefinition(other)

      await scheduler.deregisterDefinitions(DEFINITION.jobDefinitionName)
      await scheduler.deregisterDefinitions(DEFINITION.jobDefinitionName)

      expect(await harness.findContainers(first)).toBeUndefined()
      expect(await harness.findContainers(second)).toBeUndefined()
      expect(await harness.findContainers(kept)).toBeDefined()
    })

    it('does nothing when a definition is deregistered again', async () => {
      const arn = await scheduler.registerDefinition(DEFINITION)
      await scheduler.deregisterDefinition(arn)

      await expect(scheduler.deregisterDefinition(arn)).resolves.toBeUndefined()
    })

    it('does nothing when an unknown definition is deregistered', async () => {
      const arn = await scheduler.registerDefinition(DEFINITION)

      await expect(scheduler.deregisterDefinition(`${arn}999`)).resolves.toBeUndefined()
    })

    it('submits a job with environment variables for the stager only', async () => {
      const { jobId, jobDefinitionArn } = await submitJob('run-7')

      expect(await harness.findJob(jobId)).toMatchObject({
        jobName: 'run-7',
        jobDefinitionArn,
        environment: { 'stage-in': { APP_ENGINE_RUN_ID: '1' }, 'stage-out': { APP_ENGINE_RUN_ID: '1' } },
        tags: { 'app-engine:run': '1' },
      })
    })

    it('refuses a job of a deregistered definition', async () => {
      const jobDefinitionArn = await scheduler.registerDefinition(DEFINITION)
      await scheduler.deregisterDefinition(jobDefinitionArn)

      const submission = scheduler.submit({
        jobName: 'run-1',
        jobQueueArn: 'tasks',
        share: 'runs',
        jobDefinitionArn,
        overrides: describeOverrides({}),
        tags: {},
      })

      await expect(submission).rejects.toThrow()
    })

    it('terminates a job and keeps the first reason', async () => {
      const { jobId } = await submitJob()

      await scheduler.terminate(jobId, 'cancelled by its user')
      await scheduler.terminate(jobId, 'again')

      await expect.poll(() => harness.findTermination(jobId)).toBe('cancelled by its user')
    })

    it('describes jobs, and omits unknown ones', async () => {
      const { jobId } = await submitJob('run-8')

      const jobs = await scheduler.describe([jobId, UNKNOWN_JOB])

      expect(jobs).toMatchObject([{ jobId, jobName: 'run-8', attempts: [] }])
    })

    it('sends no request to describe no jobs', async () => {
      expect(await scheduler.describe([])).toEqual([])
    })

    it('finds a job by its full name', async () => {
      const { jobId } = await submitJob('run-9')
      await submitJob('run-99')

      expect(await scheduler.findByName('run-9')).toMatchObject({ jobId, jobName: 'run-9' })
      expect(await scheduler.findByName('run-none')).toBeUndefined()
    })

    it('finds a job by its name after its end', async () => {
      const { jobId } = await submitJob('run-10')
      await scheduler.terminate(jobId, 'cancelled')
      await expect.poll(() => harness.findTermination(jobId)).toBeDefined()

      expect(await scheduler.findByName('run-10')).toMatchObject({
        jobId,
        status: 'FAILED',
        isTerminated: true,
      })
    })

    it('lists the jobs that have not ended', async () => {
      const { jobId: ended } = await submitJob('run-11')
      const { jobId: live } = await submitJob('run-12')
      await scheduler.terminate(ended, 'cancelled')
      await expect.poll(() => harness.findTermination(ended)).toBeDefined()

      const listed = await Array.fromAsync(scheduler.listLive())

      expect(listed).toContainEqual({ jobId: live, jobName: 'run-12', createdAt: expect.any(Number) })
      expect(listed.map(({ jobId }) => jobId)).not.toContain(ended)
    })

    it('does nothing when an unknown job is terminated', async () => {
      await expect(scheduler.terminate(UNKNOWN_JOB, 'cancelled')).resolves.toBeUndefined()
    })
  })
}
