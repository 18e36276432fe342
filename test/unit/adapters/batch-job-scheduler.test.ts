import { type BatchClient, ClientException, ServerException } from '@aws-sdk/client-batch'
import { describe, expect, it } from 'vitest'
import { createBatchJobScheduler } from '../../../src/adapters/aws/batch-job-scheduler.ts'
import { describeOverrides } from '../../../src/domain/job/job-definition.ts'
import { JobThrottledError } from '../../../src/ports.ts'
import { stubClient } from './stub-client.ts'

const QUEUE = 'arn:aws:batch:eu-west-1:000000000000:job-queue/tasks'
const JOB = {
  jobName: 'run-1',
  jobDefinitionArn: 'arn:aws:batch:eu-west-1:000000000000:job-definition/a:1',
  overrides: describeOverrides({ NAME: 'value' }),
  tags: { run: '1' },
}

function aScheduler(script: readonly unknown[]) {
  const { client, sent } = stubClient<BatchClient>(script)
  return { scheduler: createBatchJobScheduler({ client, jobQueueArn: QUEUE }), sent }
}

const clientException = (message: string, httpStatusCode = 400) =>
  new ClientException({ message, $metadata: { httpStatusCode } })

describe('submission to Batch', () => {
  it('overrides the environment per container and names the queue', async () => {
    const { scheduler, sent } = aScheduler([{ jobId: 'job-1' }])

    const answer = await scheduler.submit(JOB)

    expect(answer).toEqual({ jobId: 'job-1' })
    expect(sent[0]?.input).toEqual({
      jobName: 'run-1',
      jobQueue: QUEUE,
      jobDefinition: JOB.jobDefinitionArn,
      ecsPropertiesOverride: {
        taskProperties: [
          {
            containers: ['stage-in', 'stage-out'].map((name) => ({
              name,
              environment: [{ name: 'NAME', value: 'value' }],
            })),
          },
        ],
      },
      tags: { run: '1' },
    })
  })

  it.each([
    ['status 429', clientException('slow down', 429)],
    ['its words', clientException('Too Many Requests')],
    ['the words of another front', new ServerException({ message: 'Rate exceeded', $metadata: {} })],
    ['its name', Object.assign(clientException('slow down'), { name: 'TooManyRequestsException' })],
  ])('tells a rate limit by %s', async (_, error) => {
    const { scheduler } = aScheduler([error])

    await expect(scheduler.submit(JOB)).rejects.toBeInstanceOf(JobThrottledError)
  })

  it('passes other refusals on untouched', async () => {
    const error = clientException('the job definition is not active')
    const { scheduler } = aScheduler([error])

    await expect(scheduler.submit(JOB)).rejects.toBe(error)
  })

  it('needs a queue', async () => {
    const scheduler = createBatchJobScheduler({ client: stubClient<BatchClient>([{}]).client })

    await expect(scheduler.submit(JOB)).rejects.toThrow('no job queue')
  })
})

describe('ending at Batch', () => {
  it.each([
    ['Job 1 does not exist'],
    ['Job 1 not found'],
    ['the job definition is INACTIVE'],
    ['Job 1 already ended'],
  ])('takes "%s" for done', async (message) => {
    const { scheduler } = aScheduler([clientException(message)])

    await expect(scheduler.terminate('1', 'cancelled')).resolves.toBeUndefined()
    await expect(scheduler.deregisterDefinition('arn')).resolves.toBeUndefined()
  })

  it('passes other refusals on untouched', async () => {
    const error = clientException('the identifier is malformed')
    const { scheduler } = aScheduler([error])

    await expect(scheduler.terminate('1', 'cancelled')).rejects.toBe(error)
    await expect(scheduler.deregisterDefinition('arn')).rejects.toBe(error)
  })

  it('cuts a reason that Batch would refuse', async () => {
    const { scheduler, sent } = aScheduler([{}])

    await scheduler.terminate('1', 'x'.repeat(5000))

    expect(sent[0]?.input).toEqual({ jobId: '1', reason: 'x'.repeat(1024) })
  })
})
