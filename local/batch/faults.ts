import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import { ClientException } from './client-exception.ts'
import type { Operation } from './operations.ts'
import type { DeliverEvent } from './outbox.ts'
import { createSeededRandom, type RandomSource } from './seeded-random.ts'

const share = z.number().min(0).max(1).default(0)

/** Duration of a hanging call: longer than the time-out of any Batch client (src/aws/clients.ts). */
const HANG_MS = 20_000

/** Injected faults, for tests of the service's recovery. */
const faultsSchema = z.strictObject({
  /** Seed of the pseudorandom numbers. Setting it restarts them. */
  seed: z.number().int().optional(),
  events: z
    .strictObject({
      /** Shares of lost and of duplicated events. */
      drop: share,
      double: share,
      /** Maximum delay of an event, so that events also arrive out of order. */
      delayMs: z.number().int().min(0).default(0),
    })
    .prefault({}),
  calls: z
    .strictObject({
      /** Shares of calls that are throttled, that fail, and that take effect but return an error. */
      throttle: share,
      fail: share,
      loseAnswer: share,
      /** Share of calls that take effect only after the client's time-out. */
      hang: share,
    })
    .prefault({}),
  /** Fault of the metadata endpoint of tasks. */
  metadata: z.enum(['unavailable', 'without-exit-code']).optional(),
  /** Upper limit of an attempt's duration; may be less than Batch's minimum of one minute. */
  attemptSeconds: z.number().positive().optional(),
})
export type Faults = z.infer<typeof faultsSchema>

/** Path of the faults, as JSON; `{}` removes them. Not a path of the Batch API. */
export const FAULTS_PATH = '/local/faults'

/** Start of each fault's line in the log. */
export const FAULT_MARK = 'fault: '

/** Server error as AWS would send it. */
export class ServiceFailure extends Error {
  override readonly name: string
  readonly status: number

  constructor(name: 'TooManyRequestsException' | 'ServerException', status: 429 | 500) {
    super(status === 429 ? 'Too Many Requests' : 'internal error')
    this.name = name
    this.status = status
  }
}

/**
 * `random` is the random source while no seed is set; `pause` delays events and calls. Each injected fault is
 * logged.
 */
export function createFaultInjection(
  log: (text: string) => void,
  random: RandomSource = Math.random,
  pause: (milliseconds: number) => Promise<unknown> = (milliseconds) => delay(milliseconds),
) {
  let faults = faultsSchema.parse({})
  let seeded = random

  const injection: Injection = {
    now: () => faults,
    /** With a share of 0 no random number is drawn. */
    isInjected(fault, place, share) {
      const isHit = share > 0 && seeded(`${fault} ${place}`) < share
      if (isHit) log(`${FAULT_MARK}${fault} ${place}`)
      return isHit
    },
    pauseEvent: () => pause(seeded('delay event') * faults.events.delayMs),
    hang: () => pause(HANG_MS),
    log,
  }

  function replace(body: unknown): object {
    const parsed = faultsSchema.safeParse(body)
    if (!parsed.success) throw new ClientException(z.prettifyError(parsed.error))
    faults = parsed.data
    seeded = faults.seed === undefined ? random : createSeededRandom(faults.seed)
    return faults
  }

  return {
    now: injection.now,
    events:
      (deliver: DeliverEvent): DeliverEvent =>
      (event) =>
        deliverDisturbed(injection, deliver, event),
    /** The operations with their faults, and one that replaces the current faults. */
    operations: (operations: ReadonlyMap<string, Operation>): ReadonlyMap<string, Operation> => {
      const all = [...operations].map(([path, operation]): [string, Operation] => [
        path,
        disturbed(injection, path, operation),
      ])
      return new Map([...all, [FAULTS_PATH, replace]])
    },
  }
}

interface Injection {
  now(): Faults
  isInjected(fault: string, place: string, share: number): boolean
  pauseEvent(): Promise<unknown>
  /** Waits until any client has given up. */
  hang(): Promise<unknown>
  log(text: string): void
}

async function deliverDisturbed(
  { now, isInjected, pauseEvent, log }: Injection,
  deliver: DeliverEvent,
  event: Parameters<DeliverEvent>[0],
): Promise<void> {
  const { drop, double, delayMs } = now().events
  const copies = isInjected('drop', 'event', drop) ? 0 : isInjected('double', 'event', double) ? 2 : 1
  const deliveries = Array.from({ length: copies }, async () => {
    await pauseEvent()
    await deliver(event)
  })
  // The outbox sends the next event after this one is delivered; delayed events must not block it.
  if (delayMs === 0) await Promise.all(deliveries)
  else for (const delivery of deliveries) delivery.catch((error: unknown) => log(String(error)))
}

function disturbed({ now, isInjected, hang }: Injection, path: string, operation: Operation): Operation {
  const place = path.slice(path.lastIndexOf('/') + 1)
  return async (body) => {
    const calls = now().calls
    if (isInjected('throttle', place, calls.throttle)) {
      throw new ServiceFailure('TooManyRequestsException', 429)
    }
    if (isInjected('fail', place, calls.fail)) throw new ServiceFailure('ServerException', 500)
    if (isInjected('hang', place, calls.hang)) await hang()
    const answer = await operation(body)
    if (isInjected('lose-answer', place, calls.loseAnswer)) throw new ServiceFailure('ServerException', 500)
    return answer
  }
}
