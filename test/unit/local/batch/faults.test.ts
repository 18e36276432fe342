import { describe, expect, it, vi } from 'vitest'
import { ClientException } from '../../../../local/batch/client-exception.ts'
import { createFaultInjection, FAULTS_PATH } from '../../../../local/batch/faults.ts'
import { withChange } from '../../../../local/batch/job-events.ts'
import { aJob } from './builders.ts'

const [event] = withChange(aJob(), { status: 'RUNNING' }, { account: '0', region: 'r' }, 0, 'event').outbox

/** Faults of a server whose dice always fall on `dice`. */
function injection(faults: object, dice = 0.5) {
  const created = createFaultInjection(vi.fn(), () => dice)
  created.operations(new Map()).get(FAULTS_PATH)?.(faults)
  return created
}

async function deliveriesOf(faults: object, dice?: number): Promise<number> {
  const deliver = vi.fn(async () => {})
  if (event !== undefined) await injection(faults, dice).events(deliver)(event)
  return deliver.mock.calls.length
}

describe('faults of the local Batch server', () => {
  it('are none until somebody sets some', async () => {
    const operation = vi.fn(() => ({ done: true }))
    const faults = createFaultInjection(vi.fn(), () => 0)

    expect(faults.operations(new Map([['/v1/x', operation]])).get('/v1/x')?.({})).toEqual({ done: true })
    expect(await deliveriesOf({})).toBe(1)
    expect(faults.now().attemptSeconds).toBeUndefined()
  })

  it.each([
    ['never come', { drop: 0.6 }, 0],
    ['come twice', { double: 0.6 }, 2],
    ['come once for dice above the shares', { drop: 0.4, double: 0.4 }, 1],
  ])('make events that %s', async (_, events, deliveries) => {
    expect(await deliveriesOf({ events })).toBe(deliveries)
  })

  it('let late events be overtaken', async () => {
    const late = Promise.withResolvers<void>()
    const delivered: string[] = []
    const faults = createFaultInjection(
      vi.fn(),
      () => 0.5,
      () => late.promise,
    )
    faults.operations(new Map()).get(FAULTS_PATH)?.({ events: { delayMs: 100 } })
    const deliver = faults.events(async ({ id }) => void delivered.push(id))

    if (event !== undefined) await deliver(event)
    const atOnce = delivered.length
    late.resolve()

    await vi.waitFor(() => expect(delivered).toEqual(['event']))
    expect(atOnce).toBe(0)
  })

  it.each([
    ['refused for their rate', { throttle: 0.6 }, 429, 0],
    ['failed', { fail: 0.6 }, 500, 0],
    ['carried out and answered as failed', { loseAnswer: 0.6 }, 500, 1],
  ])('make calls that are %s', (_, calls, status, carriedOut) => {
    const operation = vi.fn(() => ({}))
    const disturbed = injection({ calls })
      .operations(new Map([['/v1/x', operation]]))
      .get('/v1/x')

    expect(() => disturbed?.({})).toThrow(expect.objectContaining({ status }))
    expect(operation).toHaveBeenCalledTimes(carriedOut)
  })

  it('that make no sense are refused', () => {
    expect(() => injection({ events: { drop: 2 } })).toThrow(ClientException)
    expect(() => injection({ lies: true })).toThrow(ClientException)
  })
})
