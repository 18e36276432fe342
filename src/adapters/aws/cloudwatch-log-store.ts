import {
  type CloudWatchLogsClient,
  GetLogEventsCommand,
  type GetLogEventsCommandOutput,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs'
import type { LogStore } from '../../ports.ts'
import { newestText } from '../newest-text.ts'

export interface CloudwatchLogStoreOptions {
  readonly client: CloudWatchLogsClient
  readonly logGroupName: string
}

/** One log group; an event is a line. */
export function createCloudwatchLogStore({ client, logGroupName }: CloudwatchLogStoreOptions): LogStore {
  async function page(
    logStreamName: string,
    nextToken: string | undefined,
  ): Promise<GetLogEventsCommandOutput | undefined> {
    try {
      return await client.send(
        new GetLogEventsCommand({
          logGroupName,
          logStreamName,
          // Without a token this is the newest page; the token then leads to older ones.
          startFromHead: false,
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
      // A page has at most 1 MB, so memory stays below maxBytes and one page.
      while (bytes < maxBytes) {
        const answer = await page(logStreamName, token)
        const text = (answer?.events ?? []).map(({ message = '' }) => `${message}\n`).join('')
        pages.unshift(text)
        bytes += Buffer.byteLength(text)
        const older = answer?.nextBackwardToken
        // The same token again marks the head of the stream; an empty page alone does not.
        if (older === undefined || older === token) break
        token = older
      }
      return newestText(pages.join(''), maxBytes)
    },
  }
}
