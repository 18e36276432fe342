import type { Context, EventBridgeEvent } from 'aws-lambda'
import { beginLog, logger } from '../../src/aws/observability.ts'
import { readEnvironment } from '../../src/contract/environment.ts'
import { keepRunLog } from '../../src/lifecycle/keep-run-log.ts'
import { recordJobState } from '../../src/lifecycle/record-job-state.ts'
import { parseJobName } from '../../src/run/job/job-definition.ts'
import { jobDetailSchema } from '../../src/run/job/job-outcome.ts'
import { createRecordDependencies } from '../../src/runtime/dependencies.ts'

const deps = createRecordDependencies(readEnvironment('record-job-state'))

/** Takes a "Batch Job State Change" over to its run. */
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
    // The run has its end; its log is still where the container wrote it.
    logger.warn('log not kept', { error: error as Error })
  }
}
