import {
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  type Target,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { withChange } from '../../../../local/batch/job-events.ts'
import { createRuleDelivery } from '../../../../local/batch/rule-targets.ts'
import { aJob } from './builders.ts'

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:record'
const origin = { account: '000000000000', region: 'us-east-1' }
const [event] = withChange(aJob(), { status: 'RUNNING' }, { origin, now: 0, id: 'event-1' }).outbox

/** A bus with a matching rule, another rule and a disabled one. */
function aDelivery(targets: Target[], ...answers: Response[]) {
  const client = new EventBridgeClient({ region: 'us-east-1' })
  vi.spyOn(client, 'send').mockImplementation(async (command: unknown) => {
    if (command instanceof ListRulesCommand) {
      return command.input.NextToken === undefined
        ? {
            Rules: [
              { Name: 'other', EventPattern: 'no', State: 'ENABLED' },
              { Name: 'buckets', EventPattern: '{"source":["aws.s3"]}', State: 'ENABLED' },
            ],
            NextToken: 'more',
          }
        : {
            Rules: [
              { Name: 'jobs', EventPattern: 'yes', State: 'ENABLED' },
              { Name: 'off', EventPattern: 'yes', State: 'DISABLED' },
            ],
            NextToken: '',
          }
    }
    if (command instanceof TestEventPatternCommand) return { Result: command.input.EventPattern === 'yes' }
    if (command instanceof ListTargetsByRuleCommand) {
      // One rule per page, and an empty token on the last page.
      const index = Number(command.input.NextToken ?? 0)
      const isLast = index >= targets.length - 1
      return { Targets: targets.slice(index, index + 1), NextToken: isLast ? '' : String(index + 1) }
    }
    throw new Error('unexpected call')
  })
  const fetching = vi.fn(async (_url: URL, _options: RequestInit) => answers.shift() ?? new Response('null'))
  vi.stubGlobal('fetch', fetching)
  const warn = vi.fn()
  let now = 0
  const deliver = createRuleDelivery(client, 'http://127.0.0.1:4566', warn, () => now)
  const asked = (kind: typeof ListRulesCommand | typeof TestEventPatternCommand) =>
    vi.mocked(client.send).mock.calls.filter(([command]: readonly unknown[]) => command instanceof kind)
      .length
  return {
    deliver: () => (event === undefined ? Promise.reject() : deliver(event)),
    wait: (milliseconds: number) => {
      now += milliseconds
    },
    asked,
    fetching,
    warn,
  }
}

const functionError = () => new Response('{}', { headers: { 'x-amz-function-error': 'Unhandled' } })

afterEach(() => vi.unstubAllGlobals())

describe('delivery of events', () => {
  it('calls the functions of all matching rules with the whole event', async () => {
    const { deliver, fetching } = aDelivery([{ Id: '1', Arn: ARN }])

    await deliver()

    expect(fetching).toHaveBeenCalledTimes(1)
    const [url, options] = fetching.mock.calls[0] ?? []
    expect(String(url)).toContain(encodeURIComponent(ARN))
    expect(JSON.parse(String(options?.body))).toEqual(JSON.parse(JSON.stringify(event)))
  })

  it('reads the rules once for a burst, and tests no rule with other sources', async () => {
    const { deliver, wait, asked } = aDelivery([{ Id: '1', Arn: ARN }])

    await deliver()
    await deliver()
    const inBurst = asked(ListRulesCommand)
    wait(501)
    await deliver()

    // Two pages of rules for each reading; two tested rules for each event.
    expect([inBurst, asked(ListRulesCommand), asked(TestEventPatternCommand)]).toEqual([2, 4, 6])
  })

  it('logs the targets that it skips', async () => {
    const queue = { Id: '1', Arn: 'arn:aws:sqs:us-east-1:000000000000:q' }
    const { deliver, fetching, warn } = aDelivery([queue, { Id: '2', Arn: ARN, Input: '{}' }])

    await deliver()

    expect(fetching).not.toHaveBeenCalled()
    expect(warn).toHaveBeenCalledTimes(2)
  })

  it('calls a failing function three times, like Lambda', async () => {
    const { deliver, fetching } = aDelivery(
      [{ Id: '1', Arn: ARN }],
      ...Array.from({ length: 4 }, functionError),
    )

    await deliver()

    expect(fetching).toHaveBeenCalledTimes(3)
  })

  it('skips a function that does not exist', async () => {
    const { deliver, warn } = aDelivery([{ Id: '1', Arn: ARN }], new Response('', { status: 404 }))

    await deliver()

    expect(warn).toHaveBeenCalledWith(expect.stringContaining('does not exist'))
  })

  it('fails when the emulator fails, and is retried', async () => {
    const { deliver } = aDelivery([{ Id: '1', Arn: ARN }], new Response('busy', { status: 503 }))

    const delivering = deliver()

    await expect(delivering).rejects.toThrow('503: busy')
  })
})
