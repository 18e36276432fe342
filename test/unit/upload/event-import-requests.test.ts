import type { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import { describe, expect, it } from 'vitest'
import { createEventImportRequests } from '../../../src/upload/event-import-requests.ts'
import { stubClient } from '../aws/stub-client.ts'

function requestsOf(answer: object) {
  const { client, sent } = stubClient<EventBridgeClient>([answer])
  return { requests: createEventImportRequests({ client, installation: 'lab-engine' }), sent }
}

describe('requests for imports as events', () => {
  it('name their installation, so that no other importer is invoked', async () => {
    const { requests, sent } = requestsOf({ FailedEntryCount: 0 })

    await requests.send('upload-1')

    expect(sent.map(({ input }) => input)).toEqual([
      {
        Entries: [
          {
            Source: 'app-engine.lab-engine',
            DetailType: 'Import Requested',
            Detail: '{"uploadId":"upload-1"}',
          },
        ],
      },
    ])
  })

  it('fail when EventBridge refuses the event', async () => {
    const { requests } = requestsOf({
      FailedEntryCount: 1,
      Entries: [{ ErrorCode: 'ThrottlingException', ErrorMessage: 'slow down' }],
    })

    await expect(requests.send('upload-1')).rejects.toThrow(
      'the import of upload upload-1 could not be requested: ThrottlingException slow down',
    )
  })
})
