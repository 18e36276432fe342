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

/** CloudWatch gives so many events at most, and 1 MB, in a page. */
const LARGEST_PAGE = 10_000
/** A second or two; some 25 calls a second are all that an account has. Of a log of shorter lines the rest is left out. */
const MOST_PAGES = 30

/** One log group; an event is a line. */
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
          // Without a token this is the newest page; the token then leads to older ones.
          startFromHead: false,
          // An event is not empty, and its line has an end.
          limit: Math.min(LARGEST_PAGE, Math.max(1, Math.ceil(maxBytes / 2))),
          ...(nextToken !== undefined && { nextToken }),
        }),
      )
    } catch (error) {
      // The stream is made with the container's first line.
      if (error instanceof ResourceNotFoundException) return undefined
      throw error
    }
  }

  return {
    async read(logStreamName, maxBytes) {
      const pages: string[] = []
      let bytes = 0
      let token: string | undefined
      // Memory stays below maxBytes and one page.
      for (let count = 0; bytes < maxBytes && count < MOST_PAGES; count += 1) {
        const answer = await page(logStreamName, maxBytes, token)
        const text = (answer?.events ?? []).map(({ message = '' }) => `${message}\n`).join('')
        pages.unshift(text)
        bytes += Buffer.byteLength(text)
        const older = answer?.nextBackwardToken
        // The same token again marks the head of the stream; an empty page alone does not.
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
