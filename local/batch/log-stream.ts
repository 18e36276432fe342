import {
  type CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  type InputLogEvent,
  PutLogEventsCommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs'
import { createLineSplitter } from './line-splitter.ts'

/** Where the output of one container goes. */
export interface LogStream {
  readonly name: string
  /** Sends everything that the source says; waits when the service is slower than the container. */
  append(source: AsyncIterable<Buffer>): Promise<void>
  /** Resolves when all that was appended has been sent. */
  close(): Promise<void>
}

/** PutLogEvents takes 10 000 events and 1 MiB at a time, counting 26 bytes beside each message. */
const LIMITS = { events: 10_000, bytes: 1_048_576, overheadBytes: 26 } as const
/** Output is shown at most this much later; longer would be felt by who follows a run's log. */
const FLUSH_AFTER_MS = 500

/**
 * Opens a CloudWatch Logs stream and makes it, with its group, when it is missing. A log that cannot be sent is dropped with
 * a warning: it must not hold up the job. Holds at most one batch in memory besides the one on its way.
 */
export function openLogStream(
  client: CloudWatchLogsClient,
  group: string,
  name: string,
  warn: (message: string) => void,
): LogStream {
  let batch: InputLogEvent[] = []
  let batchBytes = 0
  let latest = 0
  let timer: NodeJS.Timeout | undefined
  let sending = createStream(client, group, name).catch((error: unknown) =>
    warn(`no log stream ${name}: ${String(error)}`),
  )

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    if (batch.length === 0) return sending
    const logEvents = batch
    batch = []
    batchBytes = 0
    const command = new PutLogEventsCommand({ logGroupName: group, logStreamName: name, logEvents })
    sending = sending
      .then(() => client.send(command))
      .then(
        () => undefined,
        (error: unknown) => warn(`lost ${logEvents.length} log lines of ${name}: ${String(error)}`),
      )
    return sending
  }

  /** @returns something to wait for when the batch before was full. */
  function add(line: string): Promise<void> | undefined {
    // An event may not be empty; a space keeps the blank line.
    const message = line === '' ? ' ' : line
    const bytes = Buffer.byteLength(message) + LIMITS.overheadBytes
    const isFull = batch.length >= LIMITS.events || batchBytes + bytes > LIMITS.bytes
    const flushed = isFull ? flush() : undefined
    // Events of a batch must be in the order of their times, and clocks are set back at times.
    latest = Math.max(latest, Date.now())
    batch.push({ timestamp: latest, message })
    batchBytes += bytes
    timer ??= setTimeout(() => void flush(), FLUSH_AFTER_MS)
    return flushed
  }

  return {
    name,
    async append(source) {
      const splitter = createLineSplitter()
      for await (const chunk of source) {
        for (const line of splitter.push(chunk)) await add(line)
      }
      for (const line of splitter.end()) await add(line)
    },
    close: flush,
  }
}

async function createStream(client: CloudWatchLogsClient, group: string, name: string): Promise<void> {
  const create = new CreateLogStreamCommand({ logGroupName: group, logStreamName: name })
  try {
    await client.send(create)
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error
    await client.send(new CreateLogGroupCommand({ logGroupName: group })).catch((problem: unknown) => {
      if (!(problem instanceof ResourceAlreadyExistsException)) throw problem
    })
    await client.send(create)
  }
}
