import { CloudWatchLogsClient, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
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

describe('the log of a container', () => {
  it('is truncated after 16 MiB, except for its last 1000 lines', async () => {
    const { client, batches } = aClient()
    const log = openLogStream(client, 'group', 'stream', vi.fn())
    async function* lines() {
      for (let i = 0; i < 30_000; i += 1) yield Buffer.from(`${i} ${'x'.repeat(1000)}\n`)
    }

    await log.append(lines())
    await log.close()

    const sent = batches.flat().map((line = '') => line.split(' x', 1)[0])
    const note = sent.findIndex((line = '') => line.startsWith('[local Batch] the log is longer'))
    expect(sent.slice(0, note)).toEqual(Array.from({ length: note }, (_, i) => String(i)))
    expect(sent[note + 1]).toBe(`[local Batch] ${29_000 - note} lines omitted`)
    expect(sent.slice(note + 2)).toEqual(Array.from({ length: 1000 }, (_, i) => String(29_000 + i)))
    expect(note).toBeGreaterThan(15_000)
  })
})
