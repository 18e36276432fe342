import { DomainError } from '../contract/errors.ts'
import type { NameReservation, TaskRepository } from '../task/task-repository.ts'
import type { UploadRepository } from '../upload/upload-repository.ts'

/** Ports of a lease. */
export interface LeaseDependencies {
  readonly uploads: Pick<UploadRepository, 'extendLease' | 'endLease'>
  readonly tasks: Pick<TaskRepository, 'reserveName'>
  /** Calls `work` at this interval until the returned function is called. */
  readonly repeat: (seconds: number, work: () => Promise<void>) => () => void
}

/**
 * Duration of a lease. Lambda first retries a crashed function after one minute. The lease lasts as long as that pause, and
 * its last extension was before the crash, so it has expired by then.
 */
export const LEASE_SECONDS = 60
/** Interval of extensions; three may fail before the lease expires. */
export const BEAT_SECONDS = 15
/** The name stays reserved this long after a lease ends, since the event of the next worker may be late. */
const NAME_KEPT_SECONDS = 900
/** Time reserved for an orderly end: the longest request in progress, the read of one more piece of the bundle, and one beat. */
const TIME_KEPT_MS = 90_000

/** Another worker holds the upload: this one must neither change nor undo anything. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError'
}

/** The worker's time is nearly up, and the import is unfinished. */
export class TimeIsUpError extends Error {
  override readonly name = 'TimeIsUpError'
}

/** The lease of an upload that this worker holds. */
export interface Lease {
  /** Aborted when the lease or the name is lost, or when time is up. */
  readonly signal: AbortSignal
  /** Extends the reservation of the name along with the lease. */
  keepName(reservation: NameReservation): void
  /** @throws LeaseLostError when another worker holds the upload. */
  assertHeld(): Promise<void>
  /**
   * Ends the lease, so that another worker can claim the upload. The name stays reserved. `hasAdvanced` resets the
   * count of attempts.
   * @throws LeaseLostError, or DomainError INTERNAL_TASK_EXISTS, when another worker holds the upload or the name
   */
  endLease(hasAdvanced: boolean): Promise<void>
  /** Stops the extensions; the lease then expires. */
  stop(): void
}

/** Extends the lease of a claimed upload, and of its name, at intervals. */
export function holdLease(
  { uploads, tasks, repeat }: LeaseDependencies,
  claim: { readonly uploadId: string; readonly leaseUntil: string },
  timeLeftMs: () => number,
): Lease {
  const controller = new AbortController()
  let { leaseUntil } = claim
  let reservation: NameReservation | undefined

  const lost = (): Error => new LeaseLostError(`another worker holds upload ${claim.uploadId}`)
  const extend = async (): Promise<void> => {
    const extended = await uploads.extendLease(claim.uploadId, leaseUntil, LEASE_SECONDS)
    if (extended === undefined) throw lost()
    leaseUntil = extended
  }
  const beat = async (): Promise<void> => {
    if (timeLeftMs() < TIME_KEPT_MS) controller.abort(new TimeIsUpError('the time of this worker is up'))
    try {
      await extend()
      if (reservation !== undefined) await tasks.reserveName({ ...reservation, leaseSeconds: LEASE_SECONDS })
    } catch (error) {
      const isLost = error instanceof LeaseLostError || error instanceof DomainError
      // A transient table error is retried by the next extension.
      if (isLost) controller.abort(error)
    }
  }
  // Extensions are serialized: each continues from the end of the one before.
  let beating: Promise<void> = Promise.resolve()
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const turn = beating.then(work)
    beating = turn.catch(() => {})
    return turn
  }
  const stop = repeat(BEAT_SECONDS, () => inTurn(beat))

  return {
    signal: controller.signal,
    keepName(name) {
      reservation = name
    },
    assertHeld: () => inTurn(extend),
    endLease: (hasAdvanced) =>
      inTurn(async () => {
        if (reservation !== undefined) {
          await tasks.reserveName({ ...reservation, leaseSeconds: NAME_KEPT_SECONDS })
        }
        if (!(await uploads.endLease(claim.uploadId, leaseUntil, hasAdvanced))) throw lost()
      }),
    stop,
  }
}
