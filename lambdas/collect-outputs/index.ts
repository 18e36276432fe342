import type { Context } from 'aws-lambda'
import * as z from 'zod'
import { createS3Client } from '../../src/aws/clients.ts'
import { beginLog, logger } from '../../src/aws/observability.ts'
import { createS3ObjectStore } from '../../src/aws/s3-object-store.ts'
import { readEnvironment } from '../../src/contract/environment.ts'
import { collectOutputs } from '../../src/outputs/collect-outputs.ts'
import { createRepositoriesOfOneRun } from '../repositories.ts'

const inputSchema = z.object({ runId: z.uuid() })

const environment = readEnvironment(['installation', 'tableName', 'bucketName'])
const { runs, tasks } = createRepositoriesOfOneRun(environment)
const objects = createS3ObjectStore({ client: createS3Client(), bucketName: environment.bucketName })
const deps = { runs, tasks, objects }

/** Last step of the workflow: checks the outputs and ends the run. */
export async function handler(event: unknown, context: Context): Promise<void> {
  const { runId } = inputSchema.parse(event)
  beginLog({ requestId: context.awsRequestId, runId })
  await collectOutputs(deps, runId)
  logger.info('outputs collected')
}
