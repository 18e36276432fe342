import { BatchClient, DescribeJobsCommand, ListJobsCommand, TerminateJobCommand } from '@aws-sdk/client-batch'
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge'
import { inject } from 'vitest'
import { waitForState } from '../integration/engine-client.ts'

const LOCAL = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }

/**
 * Fails a run by the event with which AWS Batch reports the end of its job, for causes that the local Batch cannot have.
 * @param change fields of the event's detail that tell the cause
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
  if (job === undefined) throw new Error(`there is no job of the run ${runId}`)
  const detail = { ...job, status: 'FAILED', ...change }
  const events = new EventBridgeClient({ ...LOCAL, endpoint: inject('emulatorUrl') })
  await events.send(
    new PutEventsCommand({
      Entries: [
        { Source: 'aws.batch', DetailType: 'Batch Job State Change', Detail: JSON.stringify(detail) },
      ],
    }),
  )
  await waitForState(`task-runs/${runId}`, 'final')
  // The end of the job itself comes too late to count.
  await batch.send(new TerminateJobCommand({ jobId: job.jobId, reason: 'the test has ended it' }))
}
