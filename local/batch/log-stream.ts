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
  /** Resolves when all that was appended has been sent. */
  close(): Promise<void>
}

/** PutLogEvents takes 10 000 events and 1 MiB at a time, counting 26 bytes beside each message. */
const LIMITS = { events: 10_000, bytes: 1_048_576, overheadBytes: 26 } as const
/** Longest delay of output. A user who follows a run's log would notice more. */
const FLUSH_AFTER_MS = 500
/** Sent as they come; the emulator keeps what it gets in memory. Of what follows only the end is sent. */
const SENT_BYTES = 16 * 1024 * 1024
const END_LINES = 1000
/** Longest line of the end, so that memory stays below some MiB. */
const END_LINE_CHARACTERS = 4096

/**
 * Opens a CloudWatch Logs stream and makes it, with its group, when it is missing. A log that cannot be sent is dropped with
 * a warning: it must not hold up the job. Of a log of more than 16 MiB the last 1000 lines come when it is closed, behind a note.
 * Holds at most one batch in memory besides the one on its way, and those lines.
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

  let sentBytes = 0
  /** What is held back: the newest lines, oldest first, and how many there were. */
  const end: string[] = []
  let heldBack = 0

  /** @returns something to wait for, as {@link add}. */
  function take(line: string): Promise<void> | undefined {
    if (sentBytes < SENT_BYTES) {
      sentBytes += Buffer.byteLength(line) + LIMITS.overheadBytes
      return add(line)
    }
    heldBack += 1
    end.push(line.slice(0, END_LINE_CHARACTERS))
    if (end.length > END_LINES) end.shift()
    if (heldBack > 1) return undefined
    return add(`[local Batch] the log is longer than ${SENT_BYTES} bytes: the rest comes at its end, cut`)
  }

  async function sendEnd(): Promise<void> {
    if (heldBack > end.length) await add(`[local Batch] ${heldBack - end.length} lines left out`)
    for (const line of end.splice(0)) await add(line)
  }

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
        for (const line of splitter.push(chunk)) await take(line)
      }
      for (const line of splitter.end()) await take(line)
    },
    async close() {
      await sendEnd()
      await flush()
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
