import {
  type CloudWatchLogsClient,
  DeleteLogStreamCommand,
  GetLogEventsCommand,
  type GetLogEventsCommandOutput,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs'
import type { LogStore } from './log-store.ts'
import { newestText } from './newest-text.ts'

export interface CloudwatchLogStoreOptions {
  readonly client: CloudWatchLogsClient
  readonly logGroupName: string
}

/** Limit of GetLogEvents in events; a page also has 1 MB at most. */
const MAX_PAGE_EVENTS = 10_000
/** Uses at most one or two seconds of the account's quota of 25 calls a second. Older lines of a longer log are omitted. */
const MAX_PAGES = 30

/** Streams of one log group; each event is a line. */
export function createCloudwatchLogStore({ client, logGroupName }: CloudwatchLogStoreOptions): LogStore {
  async function page(
    logStreamName: string,
    maxBytes: number,
    nextToken: string | undefined,
  ): Promise<GetLogEventsCommandOutput | undefined> {
    try {
      return await client.send(
        new GetLogEventsCommand({
          logGroupName,
          logStreamName,
          // Starts at the newest page; tokens lead to older ones.
          startFromHead: false,
          // An event has at least one character and a line end.
          limit: Math.min(MAX_PAGE_EVENTS, Math.max(1, Math.ceil(maxBytes / 2))),
          ...(nextToken !== undefined && { nextToken }),
        }),
      )
    } catch (error) {
      // The stream does not exist before the container's first line.
      if (error instanceof ResourceNotFoundException) return undefined
      throw error
    }
  }

  return {
    async read(logStreamName, maxBytes) {
      const pages: string[] = []
      let bytes = 0
      let token: string | undefined
      // Memory: maxBytes and one page.
      for (let count = 0; bytes < maxBytes && count < MAX_PAGES; count += 1) {
        const answer = await page(logStreamName, maxBytes, token)
        const text = (answer?.events ?? []).map(({ message = '' }) => `${message}\n`).join('')
        pages.unshift(text)
        bytes += Buffer.byteLength(text)
        const older = answer?.nextBackwardToken
        // A repeated token marks the start of the stream; an empty page alone does not.
        if (!older || older === token) break
        token = older
      }
      return newestText(pages.join(''), maxBytes)
    },

    async remove(logStreamName) {
      try {
        await client.send(new DeleteLogStreamCommand({ logGroupName, logStreamName }))
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error
      }
    },
  }
}
