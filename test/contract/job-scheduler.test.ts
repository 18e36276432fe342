import { describe, expect, it } from 'vitest'
import { describeOverrides } from '../../src/run/job/job-definition.ts'
import { JobThrottledError } from '../../src/run/job/job-scheduler.ts'
import { createMemoryJobScheduler } from '../fakes/memory-job-scheduler.ts'
import { describeJobScheduler } from './job-scheduler.contract.ts'

describeJobScheduler('memory', async () => {
  const scheduler = createMemoryJobScheduler()
  return {
    scheduler,
    findContainers: async (arn) =>
      scheduler.definitions.get(arn)?.ecsProperties.taskProperties[0].containers.map(({ name }) => name),
    findJob: async (jobId) => {
      const job = scheduler.submissions.get(jobId)
      if (job === undefined) return undefined
      const { jobName, jobDefinitionArn, tags, overrides } = job
      const environment = Object.fromEntries(
        overrides.taskProperties[0].containers.map((container) => [
          container.name,
          Object.fromEntries(container.environment.map(({ name, value }) => [name, value])),
        ]),
      )
      return { jobName, jobDefinitionArn, environment, tags }
    },
    findTermination: async (jobId) => scheduler.terminations.get(jobId),
  }
})

describe('memory job scheduler', () => {
  it('refuses as many submissions as a test requests', async () => {
    const scheduler = createMemoryJobScheduler()
    const jobDefinitionArn = await scheduler.registerDefinition({ jobDefinitionName: 'a' } as never)
    const job = {
      jobName: 'run-1',
      jobQueueArn: 'tasks',
      share: 'runs',
      jobDefinitionArn,
      overrides: describeOverrides({}),
      tags: {},
    }

    scheduler.throttle(1)

    await expect(scheduler.submit(job)).rejects.toBeInstanceOf(JobThrottledError)
    await expect(scheduler.submit(job)).resolves.toEqual({ jobId: expect.any(String) })
  })
})
