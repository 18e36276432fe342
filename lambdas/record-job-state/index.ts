import type { Context, EventBridgeEvent } from 'aws-lambda'
import { createLogsClient, createS3Client, createSfnClient } from '../../src/aws/clients.ts'
import { beginLog, logger } from '../../src/aws/observability.ts'
import { createS3ObjectStore } from '../../src/aws/s3-object-store.ts'
import { readEnvironment } from '../../src/contract/environment.ts'
import { keepRunLog } from '../../src/lifecycle/keep-run-log.ts'
import { recordJobState } from '../../src/lifecycle/record-job-state.ts'
import { createCloudwatchLogStore } from '../../src/run/cloudwatch-log-store.ts'
import { parseJobName } from '../../src/run/job/job-definition.ts'
import { jobDetailSchema } from '../../src/run/job/job-outcome.ts'
import { createSfnRunWorkflow } from '../../src/run/sfn-run-workflow.ts'
import { createRepositoriesOfOneRun } from '../repositories.ts'

const environment = readEnvironment([
  'installation',
  'tableName',
  'bucketName',
  'stateMachineArn',
  'jobLogGroup',
])
const { bucketName, jobLogGroup, stateMachineArn } = environment
const deps = {
  runs: createRepositoriesOfOneRun(environment).runs,
  objects: createS3ObjectStore({ client: createS3Client(), bucketName }),
  workflow: createSfnRunWorkflow({ client: createSfnClient(), stateMachineArn }),
  logs: createCloudwatchLogStore({ client: createLogsClient(), logGroupName: jobLogGroup }),
}

/** Records a "Batch Job State Change" in its run. */
export async function handler(
  event: EventBridgeEvent<'Batch Job State Change', unknown>,
  context: Context,
): Promise<void> {
  const job = jobDetailSchema.parse(event.detail)
  const runId = parseJobName(job.jobName)?.runId
  beginLog({ requestId: context.awsRequestId, jobId: job.jobId, ...(runId === undefined ? {} : { runId }) })
  const outcome = await recordJobState(deps, job)
  logger.info('job state', { jobName: job.jobName, status: job.status, outcome })
  try {
    await keepRunLog(deps, job)
  } catch (error) {
    // The end of the run is recorded already, and the log is still in the container's log stream.
    logger.warn('log not kept', { error: error as Error })
  }
}
