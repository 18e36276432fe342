import { randomUUID } from 'node:crypto'
import { BatchClient, DescribeJobsCommand, ListJobsCommand, TerminateJobCommand } from '@aws-sdk/client-batch'
import { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import { inject } from 'vitest'
import type { JobEvent } from '../../local/batch/job.ts'
import { createRuleDelivery } from '../../local/batch/rule-targets.ts'
import { waitForState } from '../integration/engine-client.ts'

const LOCAL = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }

/**
 * Fails a run by a Batch job event, for causes that do not exist in the local Batch.
 * @param change fields of the event's detail that contain the cause
 */
export async function failByEvent(runId: string, change: object): Promise<void> {
  const batch = new BatchClient({ ...LOCAL, endpoint: inject('batchUrl') })
  const filters = [{ name: 'JOB_NAME', values: [`run-${runId}-*`] }]
  const { jobSummaryList = [] } = await batch.send(
    new ListJobsCommand({ jobQueue: 'app-engine-local', filters }),
  )
  const { jobs = [] } = await batch.send(
    new DescribeJobsCommand({ jobs: jobSummaryList.flatMap(({ jobId = [] }) => jobId) }),
  )
  const [job] = jobs
  if (job === undefined) throw new Error(`the run ${runId} has no job`)
  await deliver({ ...job, status: 'FAILED', ...change })
  await waitForState(`task-runs/${runId}`, 'final')
  // The run has ended, so the event of this termination is ignored.
  await batch.send(new TerminateJobCommand({ jobId: job.jobId, reason: 'the test has ended it' }))
}

function deliver(detail: object): Promise<void> {
  const endpoint = inject('emulatorUrl')
  const client = new EventBridgeClient({ ...LOCAL, endpoint })
  const event: JobEvent = {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Batch Job State Change',
    source: 'aws.batch',
    account: '000000000000',
    time: `${new Date().toISOString().slice(0, 19)}Z`,
    region: LOCAL.region,
    resources: [],
    detail,
  }
  return createRuleDelivery(client, endpoint, (text) => {
    throw new Error(text)
  })(event)
}
