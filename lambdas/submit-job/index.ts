import * as z from 'zod'
import { createSubmitDependencies } from '../../src/runtime/dependencies.ts'
import { readEnvironment } from '../../src/runtime/environment.ts'
import { logger } from '../../src/runtime/observability.ts'
import { submitJob } from '../../src/use-cases/submit-job.ts'

const inputSchema = z.object({ runId: z.uuid(), taskToken: z.string() })

const deps = createSubmitDependencies(readEnvironment('submit-job'))

/** First step of the workflow: hands the run to Batch and keeps the token. */
export async function handler(event: unknown): Promise<void> {
  const input = inputSchema.parse(event)
  const { outcome, error } = await submitJob(deps, input)
  if (error === undefined) logger.info('submit job', { runId: input.runId, outcome })
  else logger.warn('submit job', { runId: input.runId, outcome, error: error as Error })
}
