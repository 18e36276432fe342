import { describe, expect, it, vi } from 'vitest'
import { ClientException } from '../../../../local/batch/client-exception.ts'
import { createFaultInjection, FAULT_MARK, FAULTS_PATH } from '../../../../local/batch/faults.ts'
import { withChange } from '../../../../local/batch/job-events.ts'
import { aJob } from './builders.ts'

const stamp = { origin: { account: '0', region: 'r' }, now: 0, id: 'event' }
const [event] = withChange(aJob(), { status: 'RUNNING' }, stamp).outbox

/** Fault injection whose random numbers are always `random`. */
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
  it('do not occur by default', async () => {
    const operation = vi.fn(() => ({ done: true }))
    const faults = createFaultInjection(vi.fn(), () => 0)

    const disturbed = faults.operations(new Map([['/v1/x', operation]])).get('/v1/x')
    expect(await disturbed?.({})).toEqual({ done: true })
    expect(await deliveriesOf({})).toBe(1)
    expect(faults.now().attemptSeconds).toBeUndefined()
  })

  it.each([
    ['disappear', { drop: 0.6 }, 0],
    ['arrive twice', { double: 0.6 }, 2],
    ['arrive once for a random number above the shares', { drop: 0.4, double: 0.4 }, 1],
  ])('can make an event %s', async (_, events, deliveries) => {
    expect(await deliveriesOf({ events })).toBe(deliveries)
  })

  it('can delay an event until later events are delivered', async () => {
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
    ['throttled', { throttle: 0.6 }, 429, 0],
    ['failed', { fail: 0.6 }, 500, 0],
    ['executed but answered as failed', { loseAnswer: 0.6 }, 500, 1],
  ])('can make a call be %s', async (_, calls, status, carriedOut) => {
    const operation = vi.fn(() => ({}))
    const disturbed = injection({ calls })
      .operations(new Map([['/v1/x', operation]]))
      .get('/v1/x')

    await expect(disturbed?.({})).rejects.toThrow(expect.objectContaining({ status }))
    expect(operation).toHaveBeenCalledTimes(carriedOut)
  })

  it('can execute a call after the time-out of its client', async () => {
    const late = Promise.withResolvers<void>()
    const operation = vi.fn(() => ({}))
    const faults = createFaultInjection(
      vi.fn(),
      () => 0.5,
      () => late.promise,
    )
    const operations = faults.operations(new Map([['/v1/x', operation]]))
    operations.get(FAULTS_PATH)?.({ calls: { hang: 0.6 } })

    const answer = operations.get('/v1/x')?.({})
    const atOnce = operation.mock.calls.length
    late.resolve()
    await answer

    expect([atOnce, operation.mock.calls.length]).toEqual([0, 1])
  })

  it('are the same for the same seed, whatever other calls there are', async () => {
    const fallenFor = async (seed: number, others: readonly string[]): Promise<string[]> => {
      const faults = createFaultInjection(vi.fn())
      const operations = faults.operations(
        new Map([
          ['/v1/x', () => ({})],
          ['/v1/y', () => ({})],
        ]),
      )
      operations.get(FAULTS_PATH)?.({ seed, calls: { fail: 0.5 } })
      const ends: string[] = []
      for (const path of others) {
        const end = Promise.resolve(operations.get(path)?.({})).then(
          () => 'answered',
          () => 'failed',
        )
        if (path === '/v1/x') ends.push(await end)
        else await end
      }
      return ends
    }
    const calls = Array.from({ length: 20 }, () => '/v1/x')

    const alone = await fallenFor(7, calls)
    const mixed = await fallenFor(
      7,
      calls.flatMap((path) => ['/v1/y', path]),
    )

    expect(mixed).toEqual(alone)
    expect(new Set(alone)).toEqual(new Set(['answered', 'failed']))
    expect(await fallenFor(8, calls)).not.toEqual(alone)
  })

  it('are all logged', async () => {
    const log = vi.fn()
    const faults = createFaultInjection(log, () => 0.5)
    const operations = faults.operations(new Map([['/v1/x', () => ({})]]))
    operations.get(FAULTS_PATH)?.({ calls: { throttle: 0.6 } })

    await expect(operations.get('/v1/x')?.({})).rejects.toThrow('Too Many Requests')

    expect(log).toHaveBeenCalledExactlyOnceWith(`${FAULT_MARK}throttle x`)
  })

  it('are refused when they are invalid', () => {
    expect(() => injection({ events: { drop: 2 } })).toThrow(ClientException)
    expect(() => injection({ lies: true })).toThrow(ClientException)
  })
})
