import { DomainError } from '../contract/errors.ts'
import type { NameReservation, TaskRepository } from '../task/task-repository.ts'
import type { UploadRepository } from '../upload/upload-repository.ts'

/** What keeping an upload takes. */
export interface LeaseDependencies {
  readonly uploads: Pick<UploadRepository, 'extendLease' | 'endLease'>
  readonly tasks: Pick<TaskRepository, 'reserveName'>
  /** Calls again and again, this many seconds apart, until the returned function is called. */
  readonly repeat: (seconds: number, work: () => Promise<void>) => () => void
}

/**
 * How long a worker that is silent is taken for alive. Lambda calls a function that died again after one minute: by then the
 * lease is over, since it was extended at most {@link BEAT_SECONDS} before the death.
 */
export const LEASE_SECONDS = 60
/** Three of them may fail before the lease is lost. */
const BEAT_SECONDS = 15
/** Between giving an upload back and the next worker, the name stays ours: events may be late. */
const NAME_KEPT_SECONDS = 900
/** What is kept for ending in order: the longest request under way and the way to the next piece of the bundle. */
const TIME_KEPT_MS = 90_000

/** Another worker has the upload: this one has nothing to say any more, and nothing to take back. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError'
}

/** The worker's time is nearly over, and the import is not. */
export class TimeIsUpError extends Error {
  override readonly name = 'TimeIsUpError'
}

/** An upload in the hands of this worker. */
export interface Lease {
  /** Aborted when the lease or the name is lost, or when time is up. */
  readonly signal: AbortSignal
  /** Keeps the name along with the upload. */
  keepName(reservation: NameReservation): void
  /** @throws LeaseLostError when another worker has the upload. */
  assertHeld(): Promise<void>
  /**
   * Gives the upload to whoever comes next, who need not be the last when this worker has got on. The name is kept until then.
   * @throws LeaseLostError, or DomainError INTERNAL_TASK_EXISTS, when another has the upload or the name.
   */
  endLease(hasAdvanced: boolean): Promise<void>
  /** Ends the beats; the lease runs out by itself. */
  stop(): void
}

/** Extends the lease of a claimed upload, and the name with it, while this worker lives. */
export function holdLease(
  { uploads, tasks, repeat }: LeaseDependencies,
  claim: { readonly uploadId: string; readonly leaseUntil: string },
  timeLeftMs: () => number,
): Lease {
  const controller = new AbortController()
  let { leaseUntil } = claim
  let reservation: NameReservation | undefined

  const lost = (): Error => new LeaseLostError(`another worker has upload ${claim.uploadId}`)
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
      // A table that does not answer may answer the next beat.
      if (isLost) controller.abort(error)
    }
  }
  // One beat at a time: each extends what the one before left.
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
