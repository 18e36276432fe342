import { type BatchClient, ClientException, ServerException } from '@aws-sdk/client-batch'
import { describe, expect, it } from 'vitest'
import { createBatchJobScheduler } from '../../../../src/run/job/batch-job-scheduler.ts'
import { describeOverrides } from '../../../../src/run/job/job-definition.ts'
import { JobRefusedError, JobThrottledError } from '../../../../src/run/job/job-scheduler.ts'
import { stubClient } from '../../aws/stub-client.ts'

const QUEUE = 'arn:aws:batch:eu-west-1:000000000000:job-queue/tasks'
const JOB = {
  jobName: 'run-1',
  jobQueueArn: QUEUE,
  share: 'runs',
  jobDefinitionArn: 'arn:aws:batch:eu-west-1:000000000000:job-definition/a:1',
  overrides: describeOverrides({ NAME: 'value' }),
  tags: { run: '1' },
}

function aScheduler(script: readonly unknown[]) {
  const { client, sent } = stubClient<BatchClient>(script)
  return { scheduler: createBatchJobScheduler({ client, jobQueueArns: [QUEUE] }), sent }
}

const clientException = (message: string, httpStatusCode = 400) =>
  new ClientException({ message, $metadata: { httpStatusCode } })

describe('submission to Batch', () => {
  it('sets variables per container and names the queue', async () => {
    const { scheduler, sent } = aScheduler([{ jobId: 'job-1' }])

    const answer = await scheduler.submit(JOB)

    expect(answer).toEqual({ jobId: 'job-1' })
    expect(sent[0]?.input).toEqual({
      jobName: 'run-1',
      jobQueue: QUEUE,
      jobDefinition: JOB.jobDefinitionArn,
      shareIdentifier: 'runs',
      schedulingPriorityOverride: 1,
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
    ['its message', clientException('Too Many Requests')],
    ['the message of a server error', new ServerException({ message: 'Rate exceeded', $metadata: {} })],
    ['its name', Object.assign(clientException('slow down'), { name: 'TooManyRequestsException' })],
  ])('recognises throttling by %s', async (_, error) => {
    const { scheduler } = aScheduler([error])

    await expect(scheduler.submit(JOB)).rejects.toBeInstanceOf(JobThrottledError)
  })

  it('reports that Batch refused the job', async () => {
    const cause = clientException('the job definition is not active')
    const { scheduler } = aScheduler([cause])

    await expect(scheduler.submit(JOB)).rejects.toEqual(
      new JobRefusedError('the job definition is not active', { cause }),
    )
  })

  it.each([
    ['a failure of the service', new ServerException({ message: 'internal', $metadata: {} })],
    ['a lost connection', new Error('ECONNRESET')],
  ])('rethrows errors after which the job may exist: %s', async (_, error) => {
    const { scheduler } = aScheduler([error])

    await expect(scheduler.submit(JOB)).rejects.toBe(error)
  })
})

describe('looking for jobs at Batch', () => {
  it('reads the jobs of all queues', async () => {
    const { client, sent } = stubClient<BatchClient>([{ jobSummaryList: [] }])
    const scheduler = createBatchJobScheduler({ client, jobQueueArns: ['first', 'second'] })

    await scheduler.findByName('run-1')

    expect(sent.map(({ input }) => (input as { readonly jobQueue: string }).jobQueue)).toEqual([
      'first',
      'second',
    ])
  })

  it('requires queues', async () => {
    const scheduler = createBatchJobScheduler({ client: stubClient<BatchClient>([{}]).client })

    await expect(scheduler.findByName('run-1')).rejects.toThrow('no job queues')
  })

  const detail = (jobId: string) => ({ jobId, jobName: 'run-1', status: 'RUNNING' })

  it('describes at most 100 jobs per call', async () => {
    const { scheduler, sent } = aScheduler([{ jobs: [detail('1')] }])

    const jobs = await scheduler.describe(Array.from({ length: 101 }, (_, index) => String(index)))

    expect(sent.map(({ input }) => (input.jobs as string[]).length)).toEqual([100, 1])
    expect(jobs).toEqual([
      { ...detail('1'), attempts: [] },
      { ...detail('1'), attempts: [] },
    ])
  })

  it('finds the newest job of a name, on any page', async () => {
    const { scheduler, sent } = aScheduler([
      { jobSummaryList: [{ ...detail('old'), createdAt: 1 }], nextToken: 'more' },
      { jobSummaryList: [{ ...detail('new'), createdAt: 2 }] },
      { jobs: [detail('new')] },
    ])

    expect(await scheduler.findByName('run-1')).toMatchObject({ jobId: 'new' })

    expect(sent.map(({ input }) => input)).toEqual([
      { jobQueue: QUEUE, filters: [{ name: 'JOB_NAME', values: ['run-1'] }] },
      { jobQueue: QUEUE, filters: [{ name: 'JOB_NAME', values: ['run-1'] }], nextToken: 'more' },
      { jobs: ['new'] },
    ])
  })

  it('uses the summary of ListJobs when DescribeJobs omits the job', async () => {
    const { scheduler } = aScheduler([{ jobSummaryList: [{ ...detail('1'), createdAt: 1 }] }, { jobs: [] }])

    expect(await scheduler.findByName('run-1')).toMatchObject({ jobId: '1', status: 'RUNNING' })
  })

  it('returns undefined when there is no such job', async () => {
    const { scheduler } = aScheduler([{ jobSummaryList: [] }])

    expect(await scheduler.findByName('run-1')).toBeUndefined()
  })

  it('reports throttling', async () => {
    const { scheduler } = aScheduler([clientException('Too Many Requests')])

    await expect(scheduler.findByName('run-1')).rejects.toBeInstanceOf(JobThrottledError)
  })

  it('lists jobs in every state before their end', async () => {
    const { scheduler, sent } = aScheduler([{ jobSummaryList: [{ ...detail('1'), createdAt: 7 }] }])

    const live = await Array.fromAsync(scheduler.listLive())

    expect(live).toEqual(Array.from({ length: 5 }, () => ({ jobId: '1', jobName: 'run-1', createdAt: 7 })))
    expect(sent.map(({ input }) => input.jobStatus)).toEqual([
      'SUBMITTED',
      'PENDING',
      'RUNNABLE',
      'STARTING',
      'RUNNING',
    ])
  })
})

describe('ending jobs and definitions at Batch', () => {
  it.each([
    ['Job 1 does not exist'],
    ['Job 1 not found'],
    ['the job definition is INACTIVE'],
    ['Job 1 already ended'],
  ])('succeeds for the message "%s"', async (message) => {
    const { scheduler } = aScheduler([clientException(message)])

    await expect(scheduler.terminate('1', 'cancelled')).resolves.toBeUndefined()
    await expect(scheduler.deregisterDefinition('arn')).resolves.toBeUndefined()
  })

  it('passes on other errors unchanged', async () => {
    const error = clientException('the identifier is malformed')
    const { scheduler } = aScheduler([error])

    await expect(scheduler.terminate('1', 'cancelled')).rejects.toBe(error)
    await expect(scheduler.deregisterDefinition('arn')).rejects.toBe(error)
  })

  it('truncates a reason that is too long for Batch', async () => {
    const { scheduler, sent } = aScheduler([{}])

    await scheduler.terminate('1', 'x'.repeat(5000))

    expect(sent[0]?.input).toEqual({ jobId: '1', reason: 'x'.repeat(1024) })
  })
})
