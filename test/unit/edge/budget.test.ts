import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { Budget, type Grant, type Holder } from '../../../edge/budget.ts'
import { OverloadedError } from '../../../edge/failures.ts'

const { signal } = new AbortController()

function aHolder(client: string, { stalledMs = 0, bytesPerSecond = 1000 } = {}) {
  const evict = vi.fn()
  const holder: Holder = { client, stalledMs: () => stalledMs, bytesPerSecond: () => bytesPerSecond, evict }
  return { holder, evict }
}

/** Requests an amount; `got` contains the grant as soon as it is granted. */
function taking(budget: Budget, client: string, amount = 1) {
  const got: Grant[] = []
  const taken = budget.acquire(aHolder(client).holder, amount, signal).then((grant) => void got.push(grant))
  // The promise of a waiter that outlives its test would be rejected a minute later, without a handler.
  taken.catch(() => {})
  return { got, taken }
}

describe('a budget', () => {
  it('never exceeds its total or a client’s share, and serves all waiters', async () => {
    const requests = fc.array(
      fc.record({ client: fc.constantFrom('a', 'b', 'c'), amount: fc.integer({ min: 1, max: 6 }) }),
      { minLength: 1, maxLength: 40 },
    )

    await fc.assert(
      fc.asyncProperty(requests, async (all) => {
        const budget = new Budget({ total: 10, perClient: 6, waitMs: 60_000 })
        const held: { readonly client: string; readonly amount: number; readonly grant: Grant }[] = []
        const asked = all.map(async ({ client, amount }) => {
          const grant = await budget.acquire(aHolder(client).holder, amount, signal)
          held.push({ client, amount, grant })
        })
        const sum = (entries: typeof held): number => entries.reduce((total, { amount }) => total + amount, 0)
        for (let served = 0; served < all.length; served += 1) {
          await vi.waitFor(() => expect(held.length).toBeGreaterThan(0), { interval: 1 })
          expect(sum(held)).toBeLessThanOrEqual(10)
          for (const client of ['a', 'b', 'c']) {
            expect(sum(held.filter((one) => one.client === client))).toBeLessThanOrEqual(6)
          }
          held.shift()?.grant.release()
          await setImmediate()
        }
        await Promise.all(asked)
      }),
      { numRuns: 100, seed: 503 },
    )
  })

  it('grants a released amount once, even when it is released twice', async () => {
    const budget = new Budget({ total: 1, perClient: 1, waitMs: 60_000 })
    const first = await budget.acquire(aHolder('a').holder, 1, signal)
    const [second, third] = [taking(budget, 'b'), taking(budget, 'c')]

    first.release()
    first.release()
    first.shrink(0)
    await second.taken

    expect(third.got).toEqual([])
  })

  it('grants the amount by which a grant shrinks', async () => {
    const budget = new Budget({ total: 4, perClient: 4, waitMs: 60_000 })
    const first = await budget.acquire(aHolder('a').holder, 4, signal)
    const second = taking(budget, 'a', 3)

    first.shrink(1)

    await expect(second.taken).resolves.toBeUndefined()
  })

  it('serves the client with the least amount first, then by arrival', async () => {
    const budget = new Budget({ total: 2, perClient: 2, waitMs: 60_000 })
    const first = await budget.acquire(aHolder('greedy').holder, 1, signal)
    await budget.acquire(aHolder('greedy').holder, 1, signal)
    const greedy = taking(budget, 'greedy')
    const other = taking(budget, 'other')
    const later = taking(budget, 'later')

    first.release()
    await other.taken

    expect([greedy.got.length, later.got.length]).toEqual([0, 0])
  })

  it('serves the newest waiter first when many wait', async () => {
    const budget = new Budget({ total: 1, perClient: 1, waitMs: 60_000 })
    const first = await budget.acquire(aHolder('a').holder, 1, signal)
    const waiting = Array.from({ length: 20 }, () => taking(budget, 'a'))

    first.release()
    await waiting.at(-1)?.taken

    expect(waiting.filter(({ got }) => got.length > 0)).toHaveLength(1)
  })

  it('refuses a waiter after its time-out, and forgets one that disconnected', async () => {
    const budget = new Budget({ total: 1, perClient: 1, waitMs: 20 })
    const gone = new AbortController()
    const first = await budget.acquire(aHolder('a').holder, 1, signal)
    const left = budget.acquire(aHolder('b').holder, 1, gone.signal)
    const waited = budget.acquire(aHolder('c').holder, 1, signal)
    gone.abort(new Error('gone'))

    await expect(left).rejects.toThrow('gone')
    await expect(waited).rejects.toThrow(OverloadedError)
    first.release()
    await expect(budget.acquire(aHolder('d').holder, 1, signal)).resolves.toBeDefined()
  })

  it('evicts only the slowest stalled holder for a waiter', async () => {
    const budget = new Budget({ total: 3, perClient: 3, waitMs: 60_000 })
    const busy = aHolder('a')
    const slow = aHolder('b', { stalledMs: 2000, bytesPerSecond: 1 })
    const slower = aHolder('c', { stalledMs: 1500, bytesPerSecond: 0 })
    for (const { holder } of [busy, slow]) await budget.acquire(holder, 1, signal)
    const grant = await budget.acquire(slower.holder, 1, signal)
    slower.evict.mockImplementation(() => grant.release())

    await taking(budget, 'd').taken

    expect([busy, slow, slower].map(({ evict }) => evict.mock.calls.length)).toEqual([0, 0, 1])
  })

  it('evicts no other client for a client whose share is used up', async () => {
    const budget = new Budget({ total: 4, perClient: 1, waitMs: 60_000 })
    const stalled = aHolder('b', { stalledMs: 9000 })
    await budget.acquire(stalled.holder, 1, signal)
    await budget.acquire(aHolder('a').holder, 1, signal)
    const waiting = taking(budget, 'a')
    await taking(budget, 'c').taken

    expect(waiting.got).toEqual([])
    expect(stalled.evict).not.toHaveBeenCalled()
  })
})
