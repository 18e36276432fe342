import type { Context } from 'aws-lambda'
import * as z from 'zod'
import {
  createBatchClient,
  createLogsClient,
  createS3Client,
  createSfnClient,
} from '../../src/aws/clients.ts'
import { beginLog, logger, reportProblem } from '../../src/aws/observability.ts'
import { createS3ObjectStore } from '../../src/aws/s3-object-store.ts'
import { readEnvironment } from '../../src/contract/environment.ts'
import { queueArnsOf } from '../../src/contract/job-queues.ts'
import { submitJob } from '../../src/lifecycle/submit-job.ts'
import { createCloudwatchLogStore } from '../../src/run/cloudwatch-log-store.ts'
import { createBatchJobScheduler } from '../../src/run/job/batch-job-scheduler.ts'
import { createSfnRunWorkflow } from '../../src/run/sfn-run-workflow.ts'
import { createRepositoriesOfOneRun } from '../repositories.ts'

const inputSchema = z.object({ runId: z.uuid(), taskToken: z.string() })

const environment = readEnvironment([
  'installation',
  'resourceTags',
  'tableName',
  'bucketName',
  'stateMachineArn',
  'jobLogGroup',
  'jobQueues',
  'stagerApiUrl',
])
const { jobLogGroup, jobQueues, resourceTags, stagerApiUrl, stateMachineArn } = environment
const { identity, runs, tasks } = createRepositoriesOfOneRun(environment)
const deps = {
  identity,
  runs,
  tasks,
  objects: createS3ObjectStore({ client: createS3Client(), bucketName: environment.bucketName }),
  scheduler: createBatchJobScheduler({
    // SubmitJob has no idempotency token: a retry by the SDK could start a second job. The workflow retries instead.
    client: createBatchClient({ attempts: 1 }),
    jobQueueArns: queueArnsOf(jobQueues),
  }),
  report: reportProblem,
  workflow: createSfnRunWorkflow({ client: createSfnClient(), stateMachineArn }),
  logs: createCloudwatchLogStore({ client: createLogsClient(), logGroupName: jobLogGroup }),
  queues: jobQueues,
  stagerApiUrl,
  tags: resourceTags,
}

/** First step of the workflow: submits the job of a run and stores the task token. */
export async function handler(event: unknown, context: Context): Promise<void> {
  const input = inputSchema.parse(event)
  beginLog({ requestId: context.awsRequestId, runId: input.runId })
  const { outcome, error } = await submitJob(deps, input)
  if (error === undefined) logger.info('submit job', { outcome })
  else logger.warn('submit job', { outcome, error: error as Error })
}
