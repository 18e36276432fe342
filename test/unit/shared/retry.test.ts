import { describe, expect, it, vi } from 'vitest'
import { backoff, retry } from '../../../src/shared/retry.ts'

const ANY = { isRetryable: () => true }

describe('a retried call', () => {
  it('returns the first result after failures', async () => {
    const call = vi.fn(async () => 'done').mockRejectedValueOnce(new Error('unavailable'))
    const pauses: number[] = []
    const pause = async (milliseconds: number) => pauses.push(milliseconds)

    expect(await retry(call, { ...ANY, pausesMs: [10, 20], pause })).toBe('done')

    expect(pauses).toEqual([10])
  })

  it('throws the last failure after its last pause', async () => {
    const last = new Error('third')
    const call = vi.fn(async () => Promise.reject(last)).mockRejectedValueOnce(new Error('first'))

    await expect(retry(call, { ...ANY, pausesMs: [0, 0] })).rejects.toBe(last)

    expect(call).toHaveBeenCalledTimes(3)
  })

  it('is not retried after a permanent failure', async () => {
    const call = vi.fn(async () => Promise.reject(new Error('refused')))

    await expect(retry(call, { pausesMs: [0], isRetryable: () => false })).rejects.toThrow('refused')

    expect(call).toHaveBeenCalledTimes(1)
  })

  it('rejects during a pause with the reason of the signal', async () => {
    const reason = new Error('stopped')
    const call = async () => Promise.reject(new Error('unavailable'))

    const retried = retry(call, { ...ANY, pausesMs: [60_000], signal: AbortSignal.abort(reason) })

    await expect(retried).rejects.toBe(reason)
  })
})

describe('a backoff', () => {
  it('doubles each pause up to a maximum', () => {
    expect([...backoff({ retries: 4, firstMs: 100, longestMs: 300 })]).toEqual([100, 200, 300, 300])
  })

  it('varies between half of a pause and the whole pause', () => {
    for (const pauseMs of backoff({ retries: 50, firstMs: 100, longestMs: 100, hasJitter: true })) {
      expect(pauseMs).toBeGreaterThanOrEqual(50)
      expect(pauseMs).toBeLessThanOrEqual(100)
    }
  })
})
