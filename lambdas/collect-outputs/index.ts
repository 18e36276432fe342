import * as z from 'zod'
import { createCollectDependencies } from '../../src/runtime/dependencies.ts'
import { readEnvironment } from '../../src/runtime/environment.ts'
import { logger } from '../../src/runtime/observability.ts'
import { collectOutputs } from '../../src/use-cases/collect-outputs.ts'

const inputSchema = z.object({ runId: z.uuid() })

const deps = createCollectDependencies(readEnvironment('collect-outputs'))

/** Last step of the workflow: checks the outputs and ends the run. */
export async function handler(event: unknown): Promise<void> {
  const { runId } = inputSchema.parse(event)
  await collectOutputs(deps, runId)
  logger.info('outputs collected', { runId })
}
