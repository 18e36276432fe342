import type { Context } from 'aws-lambda'
import * as z from 'zod'
import {
  createBatchClient,
  createLogsClient,
  createS3Client,
  createSfnClient,
} from '../../src/aws/clients.ts'
import { beginLog, logger, reportProblem } from '../../src/aws/observability.ts'
import { createS3InputBuckets } from '../../src/aws/s3-input-bucket.ts'
import { createS3ObjectStore } from '../../src/aws/s3-object-store.ts'
import { readEnvironment } from '../../src/contract/environment.ts'
import { createCloudwatchLogStore } from '../../src/run/cloudwatch-log-store.ts'
import { createBatchJobScheduler } from '../../src/run/job/batch-job-scheduler.ts'
import { createSfnRunWorkflow } from '../../src/run/sfn-run-workflow.ts'
import type { SetWork } from '../../src/run-set/set-work.ts'
import { workOnRunSet } from '../../src/run-set/work-on-run-set.ts'
import { createRepositories } from '../repositories.ts'

const inputSchema = z.object({ setId: z.string() })

const environment = readEnvironment([
  'installation',
  'tableName',
  'bucketName',
  'inputBuckets',
  'stateMachineArn',
  'jobLogGroup',
])
const { bucketName, inputBuckets, jobLogGroup, stateMachineArn } = environment
const client = createS3Client()
const deps = {
  ...createRepositories(environment),
  objects: createS3ObjectStore({ client, bucketName }),
  inputBucket: createS3InputBuckets({ client, bucketName, names: inputBuckets }),
  logs: createCloudwatchLogStore({ client: createLogsClient(), logGroupName: jobLogGroup }),
  scheduler: createBatchJobScheduler({ client: createBatchClient() }),
  workflow: createSfnRunWorkflow({ client: createSfnClient(), stateMachineArn }),
  report: reportProblem,
}

/** Step of the workflow of run sets: performs the next part of a set's work, and returns the runs to execute. */
export async function handler(event: unknown, context: Context): Promise<SetWork> {
  const { setId } = inputSchema.parse(event)
  beginLog({ requestId: context.awsRequestId, setId })
  const work = await workOnRunSet(deps, { setId, timeLeftMs: () => context.getRemainingTimeInMillis() })
  logger.info('run set', { isDone: work.isDone, runs: work.runs.length })
  return work
}
