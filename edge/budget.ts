import { OverloadedError } from './failures.ts'
import { CROWDED_STALLED_MS, FAIR_QUEUE, STALLED_MS } from './limits.ts'

/** A body, as far as a budget looks at it. */
export interface Holder {
  /** Whose share it takes. */
  readonly client: string
  /** Milliseconds since the client sent anything worth mentioning; 0 while it waits for the edge. */
  stalledMs(): number
  /** Average since the body began. */
  bytesPerSecond(): number
  /** Ends the body; its leases are given back soon after. */
  evict(): void
}

/** A part of a budget. */
export interface Lease {
  /** Gives back what exceeds the amount. */
  shrink(amount: number): void
  /** Gives everything back; a second call does nothing. */
  give(): void
}

export interface BudgetOptions {
  /** In any unit: bytes, or uploads. */
  readonly total: number
  /** Most that one client may hold. */
  readonly perClient: number
  readonly waitMs: number
}

/** An amount that the bodies under way share. */
export interface Budget {
  /**
   * Takes a part, and waits for it where there is none.
   * @throws OverloadedError when it waited too long, or what aborted the signal
   */
  take(holder: Holder, amount: number, signal: AbortSignal): Promise<Lease>
}

interface Held {
  readonly holder: Holder
  amount: number
  isEvicted: boolean
}

interface Waiter {
  readonly holder: Holder
  readonly amount: number
  readonly grant: (held: Held) => void
}

/** How often waiting bodies look for others that have stalled meanwhile. */
const LOOK_MS = 100

/**
 * A budget with a share per client. Clients with the smallest holdings are served first. What is taken from others for a waiting
 * body is that of stalled clients only, the slowest first.
 */
export function createBudget({ total, perClient, waitMs }: BudgetOptions): Budget {
  const holdings = new Set<Held>()
  const waiting = new Set<Waiter>()
  let looking: NodeJS.Timeout | undefined

  const sum = (isCounted: (held: Held) => boolean): number =>
    [...holdings].filter(isCounted).reduce((amount, held) => amount + held.amount, 0)

  /** What is missing, of the whole and of the client's share. */
  function shortageOf({ holder, amount }: Waiter): { readonly whole: number; readonly share: number } {
    return {
      whole: sum(() => true) + amount - total,
      share: sum((held) => held.holder.client === holder.client) + amount - perClient,
    }
  }

  /** Evicts stalled bodies, unless those that are being evicted already leave enough. */
  function evictFor(missing: number, isCandidate: (held: Held) => boolean): void {
    let left = missing - sum((held) => held.isEvicted && isCandidate(held))
    const patienceMs = waiting.size > FAIR_QUEUE ? CROWDED_STALLED_MS : STALLED_MS
    const stalled = [...holdings]
      .filter((held) => !held.isEvicted && isCandidate(held) && held.holder.stalledMs() >= patienceMs)
      .sort((one, other) => one.holder.bytesPerSecond() - other.holder.bytesPerSecond())
    for (const held of stalled) {
      if (left <= 0) return
      left -= held.amount
      held.isEvicted = true
      held.holder.evict()
    }
  }

  function inOrder(): Waiter[] {
    const waiters = [...waiting]
    if (waiters.length > FAIR_QUEUE) waiters.reverse()
    const held = new Map<string, number>()
    for (const { holder, amount } of holdings) {
      held.set(holder.client, (held.get(holder.client) ?? 0) + amount)
    }
    return waiters.sort(
      (one, other) => (held.get(one.holder.client) ?? 0) - (held.get(other.holder.client) ?? 0),
    )
  }

  function serve(): void {
    const overTheirShare = new Set<string>()
    for (const waiter of inOrder()) {
      const { client } = waiter.holder
      if (overTheirShare.has(client)) continue
      const { whole, share } = shortageOf(waiter)
      if (whole <= 0 && share <= 0) {
        grant(waiter)
        continue
      }
      evictFor(share, (held) => held.holder.client === client)
      evictFor(whole, () => true)
      // Others may still have room in theirs; nobody is served past one who waits for the whole.
      if (share <= 0) break
      overTheirShare.add(client)
    }
    look()
  }

  function grant(waiter: Waiter): void {
    waiting.delete(waiter)
    const held = { holder: waiter.holder, amount: waiter.amount, isEvicted: false }
    holdings.add(held)
    waiter.grant(held)
  }

  function look(): void {
    if (waiting.size > 0) looking ??= setInterval(serve, LOOK_MS).unref()
    else if (looking !== undefined) {
      clearInterval(looking)
      looking = undefined
    }
  }

  function leaseOf(held: Held): Lease {
    return {
      shrink(amount) {
        if (amount >= held.amount) return
        held.amount = amount
        serve()
      },
      give() {
        if (holdings.delete(held)) serve()
      },
    }
  }

  return {
    async take(holder, amount, signal) {
      signal.throwIfAborted()
      const granted = Promise.withResolvers<Held>()
      const waiter: Waiter = { holder, amount, grant: granted.resolve }
      // At once: a waiter that was served after its end would never give back.
      const leave = (reason: unknown): void => {
        if (waiting.delete(waiter)) granted.reject(reason)
      }
      const abort = (): void => leave(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      const giveUp = setTimeout(() => leave(new OverloadedError()), waitMs).unref()
      waiting.add(waiter)
      serve()
      try {
        return leaseOf(await granted.promise)
      } finally {
        clearTimeout(giveUp)
        signal.removeEventListener('abort', abort)
        look()
      }
    },
  }
}
