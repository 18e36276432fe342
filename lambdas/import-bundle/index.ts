import type { EventBridgeEvent } from 'aws-lambda'
import * as z from 'zod'
import { createImportDependencies } from '../../src/runtime/dependencies.ts'
import { PREFIXES, readEnvironment } from '../../src/runtime/environment.ts'
import { logger } from '../../src/runtime/observability.ts'
import { importBundle } from '../../src/use-cases/import-bundle.ts'

/** What S3's "Object Created" event tells; keys come as they are, not URL-encoded as in S3's own notifications. */
const eventSchema = z.object({ object: z.object({ key: z.string().startsWith(PREFIXES.uploads) }) })

const deps = createImportDependencies(readEnvironment('import-bundle'))

/** Imports the bundle that has arrived under `uploads/`. */
export async function handler(event: EventBridgeEvent<'Object Created', unknown>): Promise<void> {
  const { key } = eventSchema.parse(event.detail).object
  logger.info('import starts', { key })
  await importBundle(deps, { uploadId: key.slice(PREFIXES.uploads.length), key })
  logger.info('import ended', { key })
}
