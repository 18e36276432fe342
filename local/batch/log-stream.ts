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

/** Log stream of one container. */
export interface LogStream {
  readonly name: string
  /** Sends the source's output. Waits when the service is slower than the container. */
  append(source: AsyncIterable<Buffer>): Promise<void>
  /** Resolves when everything that was added has been sent. */
  close(): Promise<void>
}

/** PutLogEvents accepts 10 000 events and 1 MiB per call, counting 26 bytes for each message. */
const LIMITS = { events: 10_000, bytes: 1_048_576, overheadBytes: 26 } as const
/** Maximum delay of output; a user who follows a run's log would notice more. */
const FLUSH_AFTER_MS = 500
/** Output up to this size is sent immediately. Of the rest, only the end is sent, since the emulator keeps logs in memory. */
const SENT_BYTES = 16 * 1024 * 1024
/** Number of last lines that are sent of a larger output. */
const END_LINES = 1000
/** Maximum length of each of these lines, so that they take at most a few MiB. */
const END_LINE_CHARACTERS = 4096

/**
 * Opens a CloudWatch Logs stream and creates it with its group if necessary. If a log cannot be sent, it is dropped with a
 * warning, so that it does not block the job. For a log of more than 16 MiB, a note and the last 1000 lines are sent at the end.
 * Memory: two batches and those lines.
 */
export function openLogStream(
  client: CloudWatchLogsClient,
  group: string,
  name: string,
  warn: (message: string) => void,
): LogStream {
  const batches = createBatches(client, { group, name }, warn)
  let sentBytes = 0
  /** Retained lines: the newest ones, oldest first, and their total number. */
  const end: string[] = []
  let heldBack = 0

  /** @returns a promise to wait for, like {@link Batches.add} */
  function take(line: string): Promise<void> | undefined {
    if (sentBytes < SENT_BYTES) {
      sentBytes += Buffer.byteLength(line) + LIMITS.overheadBytes
      return batches.add(line)
    }
    heldBack += 1
    end.push(line.slice(0, END_LINE_CHARACTERS))
    if (end.length > END_LINES) end.shift()
    if (heldBack > 1) return undefined
    return batches.add(
      `[local Batch] the log is longer than ${SENT_BYTES} bytes: its end follows when the container stops`,
    )
  }

  async function sendEnd(): Promise<void> {
    if (heldBack > end.length) await batches.add(`[local Batch] ${heldBack - end.length} lines omitted`)
    for (const line of end.splice(0)) await batches.add(line)
  }

  return {
    name,
    async append(source) {
      const splitter = createLineSplitter()
      for await (const chunk of source) {
        for (const line of splitter.push(chunk)) await take(line)
      }
      for (const line of splitter.end()) await take(line)
    },
    async close() {
      await sendEnd()
      await batches.flush()
    },
  }
}

/** Lines on their way to the service. */
interface Batches {
  /** @returns a promise to wait for when the previous batch was full */
  add(line: string): Promise<void> | undefined
  /** Resolves when everything that was added has been sent. */
  flush(): Promise<void>
}

function createBatches(
  client: CloudWatchLogsClient,
  { group, name }: { readonly group: string; readonly name: string },
  warn: (message: string) => void,
): Batches {
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

  return {
    flush,
    add(line) {
      // An event must not be empty; a space preserves the blank line.
      const message = line === '' ? ' ' : line
      const bytes = Buffer.byteLength(message) + LIMITS.overheadBytes
      const isFull = batch.length >= LIMITS.events || batchBytes + bytes > LIMITS.bytes
      const flushed = isFull ? flush() : undefined
      // Events of a batch must be ordered by time, and clocks are sometimes set back.
      latest = Math.max(latest, Date.now())
      batch.push({ timestamp: latest, message })
      batchBytes += bytes
      timer ??= setTimeout(() => void flush(), FLUSH_AFTER_MS)
      return flushed
    },
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
