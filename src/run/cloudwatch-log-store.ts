import {
  type CloudWatchLogsClient,
  DeleteLogStreamCommand,
  GetLogEventsCommand,
  type GetLogEventsCommandInput,
  type GetLogEventsCommandOutput,
  InvalidParameterException,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs'
import { ignoring } from '../shared/ignoring.ts'
import { LogPositionError, type LogStore } from './log-store.ts'
import { newestText } from './newest-text.ts'

export interface CloudwatchLogStoreOptions {
  readonly client: CloudWatchLogsClient
  readonly logGroupName: string
}

/** Limit of GetLogEvents in events; a page also has 1 MB at most. */
const MAX_PAGE_EVENTS = 10_000
/** Maximum number of pages per read: one or two seconds of the account's quota of 25 calls a second. Older lines are omitted. */
const MAX_PAGES = 30

/** @returns undefined when the stream does not exist: it is created with the container's first line */
type GetEvents = (
  input: Omit<GetLogEventsCommandInput, 'logGroupName'>,
) => Promise<GetLogEventsCommandOutput | undefined>

/** Streams of one log group; each event is a line. */
export function createCloudwatchLogStore({ client, logGroupName }: CloudwatchLogStoreOptions): LogStore {
  const getEvents: GetEvents = (input) =>
    ignoring(client.send(new GetLogEventsCommand({ logGroupName, ...input })), ResourceNotFoundException)

  return {
    read: (logStreamName, maxBytes) => readNewest(getEvents, logStreamName, maxBytes),

    async readAfter(logStreamName, position, maxLines) {
      try {
        const limit = Math.min(MAX_PAGE_EVENTS, maxLines)
        const isFirst = position === undefined
        const answer = await getEvents({ logStreamName, limit, startFromHead: !isFirst, nextToken: position })
        if (answer === undefined) return undefined
        const text = textOf(answer)
        const older =
          isFirst && text !== ''
            ? await getEvents({
                logStreamName,
                limit: 1,
                startFromHead: false,
                nextToken: answer.nextBackwardToken,
              })
            : undefined
        return { text, next: answer.nextForwardToken ?? position ?? '', isCut: textOf(older) !== '' }
      } catch (error) {
        if (error instanceof InvalidParameterException)
          throw new LogPositionError(error.message, { cause: error })
        throw error
      }
    },

    async remove(logStreamName) {
      const command = new DeleteLogStreamCommand({ logGroupName, logStreamName })
      await ignoring(client.send(command), ResourceNotFoundException)
    },
  }
}

/** The end of a log. Memory: maxBytes and one page. */
async function readNewest(getEvents: GetEvents, logStreamName: string, maxBytes: number): Promise<string> {
  const pages: string[] = []
  let bytes = 0
  let token: string | undefined
  for (let count = 0; bytes < maxBytes && count < MAX_PAGES; count += 1) {
    const answer = await getEvents({
      logStreamName,
      // Starts at the newest page; tokens lead to older ones.
      startFromHead: false,
      // An event has at least one character and a line end.
      limit: Math.min(MAX_PAGE_EVENTS, Math.max(1, Math.ceil(maxBytes / 2))),
      nextToken: token,
    })
    const text = textOf(answer)
    pages.unshift(text)
    bytes += Buffer.byteLength(text)
    const older = answer?.nextBackwardToken
    // A repeated token marks the start of the stream; an empty page alone does not.
    if (!older || older === token) break
    token = older
  }
  return newestText(pages.join(''), maxBytes)
}

function textOf(answer: GetLogEventsCommandOutput | undefined): string {
  return (answer?.events ?? []).map(({ message = '' }) => `${message}\n`).join('')
}
