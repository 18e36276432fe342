import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DescribeJobDefinitionsCommand, DescribeJobsCommand, type JobDetail } from '@aws-sdk/client-batch'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { JobRunner } from '../../../local/batch/job-runner.ts'
import { createOperations } from '../../../local/batch/operations.ts'
import { createOutbox } from '../../../local/batch/outbox.ts'
import { createBatchServer } from '../../../local/batch/server.ts'
import { openStateStore } from '../../../local/batch/state-store.ts'
import { createBatchClient } from '../../../src/aws/clients.ts'
import { createBatchJobScheduler } from '../../../src/run/job/batch-job-scheduler.ts'
import { describeJobScheduler } from '../../contract/job-scheduler.contract.ts'
import { type BatchRecorder, batchModelProblems, recordBatch } from '../../fixtures/batch-model.ts'
import { useEmulator } from './emulator.ts'

const directory = await mkdtemp(join(tmpdir(), 'batch-'))

/** The local Batch server without capacity: jobs wait until they are terminated. */
const origin = { account: '000000000000', region: 'eu-west-1' }
const clock = { now: Date.now, uuid: randomUUID }
const store = openStateStore(directory, Date.now())
const runner = new JobRunner({
  ...clock,
  store,
  origin,
  capacity: 0,
  workDirectory: directory,
  outbox: createOutbox(store, async () => {}, console.error),
  runTask: () => Promise.reject(new Error('no job runs here')),
})
const server = createBatchServer(createOperations({ ...clock, store, runner, origin }), console.error)

let recorder: BatchRecorder

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  recorder = await recordBatch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

afterAll(async () => {
  recorder.close()
  server.close()
  await rm(directory, { recursive: true })
})

describeJobScheduler('Batch', async () => {
  useEmulator()
  vi.stubEnv('AWS_ENDPOINT_URL_BATCH', recorder.url)
  const client = createBatchClient()

  async function describeJob(jobId: string): Promise<JobDetail | undefined> {
    return (await client.send(new DescribeJobsCommand({ jobs: [jobId] }))).jobs?.[0]
  }

  return {
    scheduler: createBatchJobScheduler({ client, jobQueueArns: ['tasks'] }),

    async findContainers(definitionArn) {
      const command = new DescribeJobDefinitionsCommand({ jobDefinitions: [definitionArn], status: 'ACTIVE' })
      const [definition] = (await client.send(command)).jobDefinitions ?? []
      return definition?.ecsProperties?.taskProperties?.[0]?.containers?.map(({ name = '' }) => name)
    },

    async findJob(jobId) {
      const job = await describeJob(jobId)
      if (job === undefined) return undefined
      const { jobName = '', jobDefinition = '', tags = {} } = job
      const containers = job.ecsProperties?.taskProperties?.[0]?.containers ?? []
      const environment = Object.fromEntries(
        containers.flatMap((container) => {
          const variables = container.environment?.map(({ name = '', value = '' }) => [name, value]) ?? []
          return variables.length === 0 ? [] : [[container.name, Object.fromEntries(variables)]]
        }),
      )
      return { jobName, jobDefinitionArn: jobDefinition, environment, tags }
    },

    async findTermination(jobId) {
      const job = await describeJob(jobId)
      return job?.status === 'FAILED' ? job.statusReason : undefined
    },
  }
})

describe('every request and response of the tests above', () => {
  it("conforms to AWS's model of the Batch API", async () => {
    const { exchanges } = recorder
    expect([...new Set(exchanges.map(({ path }) => path.slice('/v1/'.length)))].sort()).toEqual([
      'deregisterjobdefinition',
      'describejobdefinitions',
      'describejobs',
      'listjobs',
      'registerjobdefinition',
      'submitjob',
      'terminatejob',
    ])

    expect(await batchModelProblems(exchanges)).toEqual([])
  })
})
