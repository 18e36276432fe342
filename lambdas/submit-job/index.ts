import type { Context } from 'aws-lambda'
import * as z from 'zod'
import { beginLog, logger } from '../../src/aws/observability.ts'
import { readEnvironment } from '../../src/contract/environment.ts'
import { submitJob } from '../../src/lifecycle/submit-job.ts'
import { createSubmitDependencies } from '../../src/runtime/dependencies.ts'

const inputSchema = z.object({ runId: z.uuid(), taskToken: z.string() })

const deps = createSubmitDependencies(readEnvironment('submit-job'))

/** First step of the workflow: hands the run to Batch and keeps the token. */
export async function handler(event: unknown, context: Context): Promise<void> {
  const input = inputSchema.parse(event)
  beginLog({ requestId: context.awsRequestId, runId: input.runId })
  const { outcome, error } = await submitJob(deps, input)
  if (error === undefined) logger.info('submit job', { outcome })
  else logger.warn('submit job', { outcome, error: error as Error })
}
