import type { Context, EventBridgeEvent } from 'aws-lambda'
import * as z from 'zod'
import {
  createBatchClient,
  createEcrClient,
  createEventsClient,
  createS3Client,
  MAX_SILENCE_WHILE_PUSHING_MILLISECONDS,
} from '../../src/aws/clients.ts'
import { beginLog, logger } from '../../src/aws/observability.ts'
import { createS3ObjectStore } from '../../src/aws/s3-object-store.ts'
import { IMPORT_REQUESTED, readEnvironment } from '../../src/contract/environment.ts'
import { PREFIXES } from '../../src/contract/storage-keys.ts'
import type { ImportCall } from '../../src/import/claim-upload.ts'
import { ImportFailedError } from '../../src/import/end-unpublished.ts'
import { createFetchBundleSource } from '../../src/import/fetch-bundle-source.ts'
import { importBundle } from '../../src/import/import-bundle.ts'
import { createEcrImageRegistry } from '../../src/import/registry/ecr-image-registry.ts'
import { createBatchJobScheduler } from '../../src/run/job/batch-job-scheduler.ts'
import { collectBuffers } from '../../src/shared/collect-buffers.ts'
import { pause } from '../../src/shared/pause.ts'
import { repeat } from '../../src/shared/repeat.ts'
import { createEventImportRequests } from '../../src/upload/event-import-requests.ts'
import { createRepositories } from '../repositories.ts'

const eventSchema = z.discriminatedUnion('detail-type', [
  z.object({
    'detail-type': z.literal('Object Created'),
    // EventBridge does not URL-encode keys, unlike S3's own notifications.
    detail: z.object({
      object: z.object({
        key: z.string().startsWith(PREFIXES.uploads),
        sequencer: z.string().exactOptional(),
      }),
    }),
  }),
  z.object({
    'detail-type': z.literal(IMPORT_REQUESTED.detailType),
    detail: z.object({ uploadId: z.string().min(1) }),
  }),
])

collectBuffers()
const environment = readEnvironment([
  'installation',
  'resourceTags',
  'tableName',
  'bucketName',
  'registryUrl',
  'repositoryPrefix',
  'jobDefinitionPrefix',
  'jobExecutionRoleArn',
  'jobLogGroup',
  'attemptTimeoutSeconds',
  'stagerImage',
  'jobLogRegion',
  'defaultRamBytes',
  'jobQueues',
])
const { bucketName, installation, registryUrl, resourceTags } = environment
const deps = {
  ...createRepositories(environment),
  objects: createS3ObjectStore({
    client: createS3Client({ longestSilenceMilliseconds: MAX_SILENCE_WHILE_PUSHING_MILLISECONDS }),
    bucketName,
  }),
  bundles: createFetchBundleSource({
    report: (words, error) =>
      logger.warn('the download from an app store failed', { reason: words, error: error as Error }),
  }),
  registry: createEcrImageRegistry({ ecr: createEcrClient(), registryUrl, tags: resourceTags }),
  scheduler: createBatchJobScheduler({ client: createBatchClient() }),
  requests: createEventImportRequests({ client: createEventsClient(), installation }),
  repeat,
  pause,
  settings: {
    repositoryPrefix: environment.repositoryPrefix,
    defaultRamBytes: environment.defaultRamBytes,
    queues: environment.jobQueues,
    job: {
      definitionPrefix: environment.jobDefinitionPrefix,
      stagerImage: environment.stagerImage,
      executionRoleArn: environment.jobExecutionRoleArn,
      logGroupName: environment.jobLogGroup,
      region: environment.jobLogRegion,
      attemptTimeoutSeconds: environment.attemptTimeoutSeconds,
      tags: resourceTags,
    },
  },
}

/** Imports a bundle: on a new object under `uploads/`, or on a request by the API or the sweeper. */
export async function handler(event: EventBridgeEvent<string, unknown>, context: Context): Promise<void> {
  const upload = uploadOf(eventSchema.parse(event))
  beginLog({ requestId: context.awsRequestId, uploadId: upload.uploadId })
  logger.info('import starts')
  try {
    await importBundle(deps, { ...upload, timeLeftMs: () => context.getRemainingTimeInMillis() })
    logger.info('import ended')
  } catch (error) {
    // Other failures concern only this invocation: Lambda retries it.
    if (!(error instanceof ImportFailedError)) throw error
    logger.error('import failed', { error })
  }
}

function uploadOf(event: z.infer<typeof eventSchema>): ImportCall {
  if (event['detail-type'] === IMPORT_REQUESTED.detailType) return event.detail
  const { object } = event.detail
  return { uploadId: object.key.slice(PREFIXES.uploads.length), object }
}
