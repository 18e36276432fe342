import type { Context, EventBridgeEvent } from 'aws-lambda'
import * as z from 'zod'
import { beginLog, logger } from '../../src/aws/observability.ts'
import { IMPORT_REQUESTED, readEnvironment } from '../../src/contract/environment.ts'
import { PREFIXES } from '../../src/contract/storage-keys.ts'
import type { ImportCall } from '../../src/import/claim-upload.ts'
import { collectBuffers } from '../../src/import/collect-buffers.ts'
import { ImportFailedError } from '../../src/import/end-unpublished.ts'
import { importBundle } from '../../src/import/import-bundle.ts'
import { createImportDependencies } from '../../src/runtime/dependencies.ts'

const eventSchema = z.discriminatedUnion('detail-type', [
  z.object({
    'detail-type': z.literal('Object Created'),
    // Keys come as they are, not URL-encoded as in S3's own notifications.
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
const deps = createImportDependencies(readEnvironment('import-bundle'))

/** Imports the bundle that has arrived under `uploads/`, or that somebody has asked for. */
export async function handler(event: EventBridgeEvent<string, unknown>, context: Context): Promise<void> {
  const upload = uploadOf(eventSchema.parse(event))
  beginLog({ requestId: context.awsRequestId, uploadId: upload.uploadId })
  logger.info('import starts')
  try {
    await importBundle(deps, { ...upload, timeLeftMs: () => context.getRemainingTimeInMillis() })
    logger.info('import ended')
  } catch (error) {
    // Any other failure is one of this call, and Lambda calls again.
    if (!(error instanceof ImportFailedError)) throw error
    logger.error('import failed', { error })
  }
}

function uploadOf(event: z.infer<typeof eventSchema>): ImportCall {
  if (event['detail-type'] === IMPORT_REQUESTED.detailType) return event.detail
  const { object } = event.detail
  return { uploadId: object.key.slice(PREFIXES.uploads.length), object }
}
