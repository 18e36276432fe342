const MIB = 1024 * 1024

/** How the stager moves bytes; tests take smaller numbers. */
export interface TransferSettings {
  /** Requests under way at the same time. */
  readonly atOnce: number
  /** A download is asked for in ranges of this size. */
  readonly rangeBytes: number
  /** An upload of this size or more goes in parts. */
  readonly partsFromBytes: number
  readonly partBytes: number
  /** Tries of one request, range or part. */
  readonly attempts: number
  /** Doubled after each failure, up to the longest. */
  readonly firstPauseMs: number
  readonly longestPauseMs: number
  /** A connection that says nothing for so long is broken. */
  readonly silenceMs: number
}

/**
 * The container has 0.25 vCPU and 512 MiB. Memory is a few hundred KiB a request; only parts of packed folders are held
 * whole, `atOnce` and one more of them: 80 MiB.
 */
export const TRANSFER_SETTINGS: TransferSettings = {
  atOnce: 4,
  rangeBytes: 32 * MIB,
  partsFromBytes: 100 * MIB,
  // Of S3's 10 000 parts at most, one output may have: 156 GiB. See limits.ts.
  partBytes: 16 * MIB,
  attempts: 8,
  firstPauseMs: 250,
  longestPauseMs: 15_000,
  silenceMs: 60_000,
}
