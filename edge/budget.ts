import { OverloadedError } from './failures.ts'
import { CROWDED_STALLED_MS, FAIR_QUEUE_LENGTH, STALLED_MS } from './limits.ts'

/** A body that holds a part of a budget. */
export interface Holder {
  /** Key of the client whose share it counts against. */
  readonly client: string
  /** Milliseconds without progress of the client; 0 while the edge is the slower side. */
  stalledMs(): number
  /** Average since the start of the body. */
  bytesPerSecond(): number
  /** Aborts the body, which then releases its grants asynchronously. */
  evict(): void
}

/** An acquired part of a budget. */
export interface Grant {
  /** Releases what exceeds the amount. */
  shrink(amount: number): void
  /** Idempotent. */
  release(): void
}

export interface BudgetOptions {
  /** Total amount, in the caller's unit: bytes, or uploads. */
  readonly total: number
  readonly perClient: number
  readonly waitMs: number
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

/** Interval of the search for stalled holders while bodies wait. */
const CHECK_MS = 100

/**
 * Weighted semaphore with a limit per client. Clients with the smallest holdings are granted first. Only stalled holders are evicted
 * for a waiting body, the slowest first.
 */
export class Budget {
  readonly #options: BudgetOptions
  readonly #holdings = new Set<Held>()
  readonly #waiting = new Set<Waiter>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: BudgetOptions) {
    this.#options = options
  }

  /**
   * Waits until the amount is available.
   * @throws OverloadedError after {@link BudgetOptions.waitMs}, or the signal's reason
   */
  async acquire(holder: Holder, amount: number, signal: AbortSignal): Promise<Grant> {
    signal.throwIfAborted()
    const granted = Promise.withResolvers<Held>()
    const waiter: Waiter = { holder, amount, grant: granted.resolve }
    // Synchronous: an amount granted to a waiter that has failed would never be released.
    const fail = (reason: unknown): void => {
      if (this.#waiting.delete(waiter)) granted.reject(reason)
    }
    const abort = (): void => fail(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    const timeout = setTimeout(() => fail(new OverloadedError()), this.#options.waitMs).unref()
    this.#waiting.add(waiter)
    this.#grantWaiting()
    try {
      return this.#grantOf(await granted.promise)
    } finally {
      clearTimeout(timeout)
      signal.removeEventListener('abort', abort)
      this.#updateTimer()
    }
  }

  #sum(isCounted: (held: Held) => boolean): number {
    return [...this.#holdings].filter(isCounted).reduce((amount, held) => amount + held.amount, 0)
  }

  /** Amounts missing in the whole budget and in the client's share; available if not positive. */
  #shortageOf({ holder, amount }: Waiter): { readonly whole: number; readonly share: number } {
    return {
      whole: this.#sum(() => true) + amount - this.#options.total,
      share: this.#sum((held) => held.holder.client === holder.client) + amount - this.#options.perClient,
    }
  }

  /** Evicts stalled holders, unless evictions in progress release enough. */
  #evictFor(missing: number, isCandidate: (held: Held) => boolean): void {
    let left = missing - this.#sum((held) => held.isEvicted && isCandidate(held))
    const stalledMs = this.#waiting.size > FAIR_QUEUE_LENGTH ? CROWDED_STALLED_MS : STALLED_MS
    const stalled = [...this.#holdings]
      .filter((held) => !held.isEvicted && isCandidate(held) && held.holder.stalledMs() >= stalledMs)
      .sort((one, other) => one.holder.bytesPerSecond() - other.holder.bytesPerSecond())
    for (const held of stalled) {
      if (left <= 0) return
      left -= held.amount
      held.isEvicted = true
      held.holder.evict()
    }
  }

  #inOrder(): Waiter[] {
    const waiters = [...this.#waiting]
    if (waiters.length > FAIR_QUEUE_LENGTH) waiters.reverse()
    const held = new Map<string, number>()
    for (const { holder, amount } of this.#holdings) {
      held.set(holder.client, (held.get(holder.client) ?? 0) + amount)
    }
    return waiters.sort(
      (one, other) => (held.get(one.holder.client) ?? 0) - (held.get(other.holder.client) ?? 0),
    )
  }

  #grantWaiting(): void {
    const exhaustedClients = new Set<string>()
    for (const waiter of this.#inOrder()) {
      const { client } = waiter.holder
      if (exhaustedClients.has(client)) continue
      const { whole, share } = this.#shortageOf(waiter)
      if (whole <= 0 && share <= 0) {
        this.#grant(waiter)
        continue
      }
      this.#evictFor(share, (held) => held.holder.client === client)
      this.#evictFor(whole, () => true)
      // A waiter that lacks its client's share blocks that client only; one that lacks the whole budget blocks all later ones.
      if (share <= 0) break
      exhaustedClients.add(client)
    }
    this.#updateTimer()
  }

  #grant(waiter: Waiter): void {
    this.#waiting.delete(waiter)
    const held = { holder: waiter.holder, amount: waiter.amount, isEvicted: false }
    this.#holdings.add(held)
    waiter.grant(held)
  }

  #updateTimer(): void {
    if (this.#waiting.size > 0) this.#timer ??= setInterval(() => this.#grantWaiting(), CHECK_MS).unref()
    else if (this.#timer !== undefined) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #grantOf(held: Held): Grant {
    return {
      shrink: (amount) => {
        if (amount >= held.amount) return
        held.amount = amount
        this.#grantWaiting()
      },
      release: () => {
        if (this.#holdings.delete(held)) this.#grantWaiting()
      },
    }
  }
}
