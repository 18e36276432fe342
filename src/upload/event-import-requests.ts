import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge'
import { eventSourceOf, IMPORT_REQUESTED } from '../contract/environment.ts'
import type { ImportRequests } from './import-requests.ts'

/** Sends requests as events on the account's default bus; a rule invokes the importer. */
export function createEventImportRequests({
  client,
  installation,
}: {
  readonly client: EventBridgeClient
  readonly installation: string
}): ImportRequests {
  const source = eventSourceOf(installation)
  return {
    async send(uploadId) {
      const event = {
        Source: source,
        DetailType: IMPORT_REQUESTED.detailType,
        Detail: JSON.stringify({ uploadId }),
      }
      const { FailedEntryCount, Entries } = await client.send(new PutEventsCommand({ Entries: [event] }))
      // The call succeeds even when the entry is refused.
      if (FailedEntryCount === 0) return
      const { ErrorCode, ErrorMessage } = Entries?.[0] ?? {}
      throw new Error(`the import of upload ${uploadId} could not be requested: ${ErrorCode} ${ErrorMessage}`)
    },
  }
}
