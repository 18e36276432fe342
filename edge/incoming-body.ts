import type { IncomingMessage } from 'node:http'
import { watchBody } from './body-watch.ts'
import { type Budget, createBudget, type Holder, type Lease } from './budget.ts'
import { StalledBodyError } from './failures.ts'
import {
  AHEAD_BYTES,
  AHEAD_WAIT_MS,
  CORE_CONNECTIONS,
  FIRST_BODY_BYTES,
  FIRST_BYTES,
  PLACE_WAIT_MS,
  SMALL_BODY_BYTES,
} from './limits.ts'
import { discardBody, readAhead } from './read-ahead.ts'

/** The body of one request while it arrives, with its share of the edge's memory. */
export interface IncomingBody {
  /**
   * The whole body, or undefined for one that is larger than the limit; nothing of that is lost.
   * @throws StalledBodyError, OverloadedError
   */
  readAhead(limitBytes: number): Promise<Buffer | undefined>
  /** Reads it to its end and keeps nothing; of at most 4 MiB. */
  discard(): Promise<void>
  /**
   * Waits for a place among the large bodies, which covers what was read ahead.
   * @throws StalledBodyError, OverloadedError
   */
  takePlace(): Promise<void>
  /** Gives everything back. What was read must not be in use any more. */
  release(): void
}

/** Opens the bodies of one edge. */
export type OpenBody = (request: IncomingMessage, client: string, controller: AbortController) => IncomingBody

export interface BodiesOptions {
  /** Large bodies that are read at the same time. */
  readonly uploadsAtOnce: number
  readonly clientSharePercent: number
  readonly idleMs: number
}

/** The memory of one edge, for all its bodies. Each controller is aborted when its body stalls. */
export function createBodies({ uploadsAtOnce, clientSharePercent, idleMs }: BodiesOptions): OpenBody {
  const share = clientSharePercent / 100
  const budgetOf = (total: number): Budget =>
    createBudget({ total, perClient: total * share, waitMs: AHEAD_WAIT_MS })
  const [first, ahead] = [budgetOf(FIRST_BYTES), budgetOf(AHEAD_BYTES)]
  const places = createBudget({
    total: uploadsAtOnce,
    // Core is one client: all its connections may upload at once.
    perClient: Math.max(CORE_CONNECTIONS, Math.ceil(uploadsAtOnce * share)),
    waitMs: PLACE_WAIT_MS,
  })
  return (request, client, controller) =>
    openBody({ request, client, controller, first, ahead, places, idleMs })
}

interface Opening {
  readonly request: IncomingMessage
  readonly client: string
  readonly controller: AbortController
  readonly first: Budget
  readonly ahead: Budget
  readonly places: Budget
  readonly idleMs: number
}

function openBody({ request, client, controller, first, ahead, places, idleMs }: Opening): IncomingBody {
  const { signal } = controller
  const evict = (): void => controller.abort(new StalledBodyError())
  const watch = watchBody(request, idleMs, () => {
    // A client that was refused may send the rest, but not for nothing.
    if (signal.aborted) request.destroy()
    else evict()
  })
  const holder: Holder = { client, evict, ...watch }
  let lease: Lease | undefined

  return {
    async readAhead(limitBytes) {
      const most = Math.min(Number(request.headers['content-length'] ?? limitBytes), limitBytes)
      // In two steps, each with a budget of its own: none waits for the other, so that nobody waits for ever.
      const reserve = async (needed: number): Promise<number> => {
        const isFirst = needed <= FIRST_BODY_BYTES
        const amount = isFirst ? Math.min(most, FIRST_BODY_BYTES) : most
        const next = await (isFirst ? first : ahead).take(holder, amount, signal)
        lease?.give()
        lease = next
        return amount
      }
      const bytes = await readAhead(request, { limitBytes, reserve, signal })
      if (bytes !== undefined) lease?.shrink(bytes.length)
      return bytes
    },
    discard: () => discardBody(request, SMALL_BODY_BYTES, signal),
    async takePlace() {
      const place = await places.take(holder, 1, signal)
      lease?.give()
      lease = place
    },
    release: () => lease?.give(),
  }
}
