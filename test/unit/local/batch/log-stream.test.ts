import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs'
import { describe, expect, it, vi } from 'vitest'
import { openLogStream } from '../../../../local/batch/log-stream.ts'

/** A client of CloudWatch Logs that calls `answer` first, and the messages of its batches. */
function aClient(answer: (command: unknown) => void = () => undefined) {
  const batches: (string | undefined)[][] = []
  const client = new CloudWatchLogsClient({ region: 'us-east-1' })
  vi.spyOn(client, 'send').mockImplementation(async (command: unknown) => {
    answer(command)
    if (command instanceof PutLogEventsCommand) {
      batches.push((command.input.logEvents ?? []).map(({ message }) => message))
    }
  })
  return { client, batches }
}

async function* chunks(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text)
}

describe('the log of a container', () => {
  it('is sent line by line, including blank lines, before it is closed', async () => {
    const { client, batches } = aClient()
    const log = openLogStream(client, 'group', 'stream', vi.fn())

    await log.append(chunks('one\n\nt', 'wo\nthree'))
    await log.close()

    expect(batches).toEqual([['one', ' ', 'two', 'three']])
  })

  it('is sent in batches within the service’s limits', async () => {
    const { client, batches } = aClient()
    const log = openLogStream(client, 'group', 'stream', vi.fn())
    const line = 'x'.repeat(60_000)

    await log.append(chunks(...Array.from({ length: 40 }, () => `${line}\n`)))
    await log.append(chunks('\n'.repeat(10_001)))
    await log.close()

    const sizes = batches.map((batch) => batch.reduce((sum, text) => sum + (text ?? '').length + 26, 0))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_048_576)
    expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(10_000)
    expect(batches.flat()).toHaveLength(10_041)
  })

  it('creates its log group when it is missing', async () => {
    let hasGroup = false
    const { client, batches } = aClient((command) => {
      if (command instanceof CreateLogGroupCommand) hasGroup = true
      if (command instanceof CreateLogStreamCommand && !hasGroup) {
        throw new ResourceNotFoundException({ message: 'no group', $metadata: {} })
      }
    })
    const warn = vi.fn()
    const log = openLogStream(client, 'group', 'stream', warn)

    await log.append(chunks('one\n'))
    await log.close()

    expect(batches).toEqual([['one']])
    expect(warn).not.toHaveBeenCalled()
  })

  it('does not block the job when it cannot be sent', async () => {
    const { client } = aClient(() => {
      throw new Error('unavailable')
    })
    const warn = vi.fn()
    const log = openLogStream(client, 'group', 'stream', warn)

    await log.append(chunks('one\n'))
    await log.close()

    expect(warn).toHaveBeenCalledWith(expect.stringContaining('lost 1 log lines'))
  })
})
