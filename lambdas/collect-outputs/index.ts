import type { Context } from 'aws-lambda'
import * as z from 'zod'
import { beginLog, logger } from '../../src/aws/observability.ts'
import { readEnvironment } from '../../src/contract/environment.ts'
import { collectOutputs } from '../../src/outputs/collect-outputs.ts'
import { createCollectDependencies } from '../../src/runtime/dependencies.ts'

const inputSchema = z.object({ runId: z.uuid() })

const deps = createCollectDependencies(readEnvironment('collect-outputs'))

/** Last step of the workflow: checks the outputs and ends the run. */
export async function handler(event: unknown, context: Context): Promise<void> {
  const { runId } = inputSchema.parse(event)
  beginLog({ requestId: context.awsRequestId, runId })
  await collectOutputs(deps, runId)
  logger.info('outputs collected')
}
