import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import { ClientException } from './client-exception.ts'
import type { Operation } from './operations.ts'
import type { DeliverEvent } from './outbox.ts'
import { createSeededRandom, type RandomSource } from './seeded-random.ts'

const share = z.number().min(0).max(1).default(0)

/** Longer than any client of Batch waits for an answer (src/aws/clients.ts). */
const HANG_MS = 20_000

/** Injected faults, for tests of the service's recovery. */
const faultsSchema = z.strictObject({
  /** Seed of the pseudorandom numbers; they start again from it. */
  seed: z.number().int().optional(),
  events: z
    .strictObject({
      /** Shares of events that never come, and that come twice. */
      drop: share,
      double: share,
      /** Each event is late by up to this, so that they also come out of order. */
      delayMs: z.number().int().min(0).default(0),
    })
    .prefault({}),
  calls: z
    .strictObject({
      /** Shares of calls that are refused for their rate, that fail, and that are carried out but answered as failed. */
      throttle: share,
      fail: share,
      loseAnswer: share,
      /** Share of calls that are carried out only after the client's timeout. */
      hang: share,
    })
    .prefault({}),
  /** Longest time of an attempt, where its job allows more; Batch itself takes no less than a minute. */
  attemptSeconds: z.number().positive().optional(),
})
export type Faults = z.infer<typeof faultsSchema>

/** Where the faults are set, as JSON; `{}` ends them. No path of the Batch API. */
export const FAULTS_PATH = '/local/faults'

/** Beginning of each fault's line in the log. */
export const FAULT_MARK = 'fault: '

/** A failure that the server answers with, as AWS would. */
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

  /** With a share of 0 no random number is drawn. */
  function isInjected(fault: string, place: string, share: number): boolean {
    const isHit = share > 0 && seeded(`${fault} ${place}`) < share
    if (isHit) log(`${FAULT_MARK}${fault} ${place}`)
    return isHit
  }

  async function deliverLate(deliver: DeliverEvent, event: Parameters<DeliverEvent>[0]): Promise<void> {
    await pause(seeded('delay event') * faults.events.delayMs)
    await deliver(event)
  }

  function disturbed(path: string, operation: Operation): Operation {
    const place = path.slice(path.lastIndexOf('/') + 1)
    return async (body) => {
      const { throttle, fail, loseAnswer, hang } = faults.calls
      if (isInjected('throttle', place, throttle)) throw new ServiceFailure('TooManyRequestsException', 429)
      if (isInjected('fail', place, fail)) throw new ServiceFailure('ServerException', 500)
      if (isInjected('hang', place, hang)) await pause(HANG_MS)
      const answer = await operation(body)
      if (isInjected('lose-answer', place, loseAnswer)) throw new ServiceFailure('ServerException', 500)
      return answer
    }
  }

  function replace(body: unknown): object {
    const parsed = faultsSchema.safeParse(body)
    if (!parsed.success) throw new ClientException(z.prettifyError(parsed.error))
    faults = parsed.data
    seeded = faults.seed === undefined ? random : createSeededRandom(faults.seed)
    return faults
  }

  return {
    now: (): Faults => faults,
    events:
      (deliver: DeliverEvent): DeliverEvent =>
      async (event) => {
        const { drop, double, delayMs } = faults.events
        const copies = isInjected('drop', 'event', drop) ? 0 : isInjected('double', 'event', double) ? 2 : 1
        const deliveries = Array.from({ length: copies }, () => deliverLate(deliver, event))
        // The outbox sends what comes next when this one has come: not so for those that are late.
        if (delayMs === 0) await Promise.all(deliveries)
        else for (const delivery of deliveries) delivery.catch((error: unknown) => log(String(error)))
      },
    /** The operations with their faults, and one more that takes new faults in the place of the present ones. */
    operations: (operations: ReadonlyMap<string, Operation>): ReadonlyMap<string, Operation> => {
      const all = [...operations].map(([path, operation]): [string, Operation] => [
        path,
        disturbed(path, operation),
      ])
      return new Map([...all, [FAULTS_PATH, replace]])
    },
  }
}
