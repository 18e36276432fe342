import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { describe, expect, it } from 'vitest'
import { createCloudwatchLogStore } from '../../../src/run/cloudwatch-log-store.ts'
import { stubClient } from '../aws/stub-client.ts'

function aStore(script: readonly unknown[]) {
  const { client, sent } = stubClient<CloudWatchLogsClient>(script)
  return { logs: createCloudwatchLogStore({ client, logGroupName: 'jobs' }), sent }
}

const page = (token: string, ...messages: string[]) => ({
  nextBackwardToken: token,
  events: messages.map((message) => ({ message })),
})

describe('CloudWatch log store', () => {
  it('continues after an empty page, which does not mean the start of the stream', async () => {
    const { logs } = aStore([page('1', 'new'), page('2'), page('3', 'old'), page('3')])

    expect(await logs.read('stream', 1000)).toBe('old\nnew\n')
  })

  it('requests no older page when the requested bytes are read', async () => {
    const { logs, sent } = aStore([page('1', '0123456789'), page('2', 'older')])

    expect(await logs.read('stream', 5)).toBe('6789\n')

    expect(sent).toHaveLength(1)
  })

  it('requests at most as many lines as can fit', async () => {
    const { logs, sent } = aStore([page('1', 'line'), page('1')])

    await logs.read('stream', 1000)

    expect(sent[0]).toMatchObject({ input: { limit: 500 } })
  })

  it('stops after a number of almost empty pages', async () => {
    const { logs, sent } = aStore(Array.from({ length: 100 }, (_, i) => page(String(i), 'x')))

    expect(await logs.read('stream', 1_000_000)).toBe('x\n'.repeat(30))

    expect(sent).toHaveLength(30)
  })

  it('passes on other errors unchanged', async () => {
    const failure = new Error('connection lost')
    const { logs } = aStore([failure])

    await expect(logs.read('stream', 5)).rejects.toBe(failure)
  })
})
