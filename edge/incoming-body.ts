import type { IncomingMessage } from 'node:http'
import { watchBody } from './body-watch.ts'
import { Budget, type Grant, type Holder } from './budget.ts'
import { StalledBodyError } from './failures.ts'
import {
  AHEAD_BYTES,
  AHEAD_WAIT_MS,
  CORE_CONNECTIONS,
  FIRST_BODY_BYTES,
  FIRST_BYTES,
  SLOT_WAIT_MS,
  SMALL_BODY_BYTES,
} from './limits.ts'
import { discardBody, readAhead } from './read-ahead.ts'

/** An arriving body and its grants of the edge's memory. */
export interface IncomingBody {
  /**
   * Reads the whole body. For a body above the limit, returns undefined; the stream then starts at its first byte again.
   * @throws StalledBodyError, OverloadedError
   */
  readAhead(limitBytes: number): Promise<Buffer | undefined>
  /** Reads and drops a body of at most 4 MiB. */
  discard(): Promise<void>
  /**
   * Waits for one of the upload slots, which replaces the grant of the bytes read ahead.
   * @throws StalledBodyError, OverloadedError
   */
  acquireSlot(): Promise<void>
  /** Releases all grants. The bytes read ahead must no longer be in use. */
  release(): void
}

export type OpenBody = (request: IncomingMessage, client: string, controller: AbortController) => IncomingBody

export interface BodiesOptions {
  readonly uploadsAtOnce: number
  readonly clientSharePercent: number
  readonly ratePeriodMs: number
}

/** Creates the memory budgets of one edge. A body that stalls aborts its controller. */
export function createBodies({ uploadsAtOnce, clientSharePercent, ratePeriodMs }: BodiesOptions): OpenBody {
  const share = clientSharePercent / 100
  const budgetOf = (total: number): Budget =>
    new Budget({ total, perClient: total * share, waitMs: AHEAD_WAIT_MS })
  const [first, ahead] = [budgetOf(FIRST_BYTES), budgetOf(AHEAD_BYTES)]
  const slots = new Budget({
    total: uploadsAtOnce,
    // Core is one client, whose connections may all upload at the same time.
    perClient: Math.max(CORE_CONNECTIONS, Math.ceil(uploadsAtOnce * share)),
    waitMs: SLOT_WAIT_MS,
  })
  return (request, client, controller) =>
    openBody({ request, client, controller, first, ahead, slots, ratePeriodMs })
}

interface Opening {
  readonly request: IncomingMessage
  readonly client: string
  readonly controller: AbortController
  readonly first: Budget
  readonly ahead: Budget
  readonly slots: Budget
  readonly ratePeriodMs: number
}

function openBody({ request, client, controller, first, ahead, slots, ratePeriodMs }: Opening): IncomingBody {
  const { signal } = controller
  const evict = (): void => controller.abort(new StalledBodyError())
  const watch = watchBody(request, ratePeriodMs, () => {
    // The rest of a refused body has the same minimum throughput.
    if (signal.aborted) request.destroy()
    else evict()
  })
  const holder: Holder = { client, evict, ...watch }
  let grant: Grant | undefined

  return {
    async readAhead(limitBytes) {
      const most = Math.min(Number(request.headers['content-length'] ?? limitBytes), limitBytes)
      // A body waits for the second budget while it holds a grant of the first, never the other way round: no deadlock.
      const reserve = async (needed: number): Promise<number> => {
        const isFirst = needed <= FIRST_BODY_BYTES
        const amount = isFirst ? Math.min(most, FIRST_BODY_BYTES) : most
        const next = await (isFirst ? first : ahead).acquire(holder, amount, signal)
        grant?.release()
        grant = next
        return amount
      }
      const bytes = await readAhead(request, { limitBytes, reserve, signal })
      if (bytes !== undefined) grant?.shrink(bytes.length)
      return bytes
    },
    discard: () => discardBody(request, SMALL_BODY_BYTES, signal),
    async acquireSlot() {
      const slot = await slots.acquire(holder, 1, signal)
      grant?.release()
      grant = slot
    },
    release: () => grant?.release(),
  }
}
