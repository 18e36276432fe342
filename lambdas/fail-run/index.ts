import type { Context } from 'aws-lambda'
import * as z from 'zod'
import { createBatchClient } from '../../src/aws/clients.ts'
import { beginLog, logger } from '../../src/aws/observability.ts'
import { readEnvironment } from '../../src/contract/environment.ts'
import { failRun } from '../../src/lifecycle/fail-run.ts'
import { createBatchJobScheduler } from '../../src/run/job/batch-job-scheduler.ts'
import { createRepositoriesOfOneRun } from '../repositories.ts'

const inputSchema = z.object({
  runId: z.uuid(),
  error: z.string().default('unknown'),
  cause: z.string().default(''),
})

const deps = {
  runs: createRepositoriesOfOneRun(readEnvironment(['installation', 'tableName'])).runs,
  scheduler: createBatchJobScheduler({ client: createBatchClient() }),
}

/** Error path of the workflow: ends the run as FAILED. The error of the failed step is only logged. */
export async function handler(event: unknown, context: Context): Promise<void> {
  const input = inputSchema.parse(event)
  beginLog({ requestId: context.awsRequestId, runId: input.runId })
  logger.warn('workflow failed', { failure: input.error, cause: input.cause })
  await failRun(deps, input)
}
