const MIB = 1024 * 1024

/** Settings of transfers; tests pass smaller numbers. */
export interface TransferSettings {
  /** Maximum number of concurrent requests. */
  readonly atOnce: number
  /** Size of the ranges of a download. */
  readonly rangeBytes: number
  /** Uploads from this size on are multipart uploads. */
  readonly partsFromBytes: number
  readonly partBytes: number
  /** Attempts for one request, range or part. */
  readonly attempts: number
  /** First pause between attempts, doubled after each failure up to the longest. */
  readonly firstPauseMs: number
  readonly longestPauseMs: number
  /** Idle time-out of a connection. */
  readonly silenceMs: number
}

/** For a container with 0.25 vCPU and 512 MiB. Memory: a few hundred KiB a request, and `atOnce` + 1 parts of packed folders, 80 MiB. */
export const TRANSFER_SETTINGS: TransferSettings = {
  atOnce: 4,
  rangeBytes: 32 * MIB,
  partsFromBytes: 100 * MIB,
  // With S3's limit of 10 000 parts an output can have 156 GiB. See limits.ts.
  partBytes: 16 * MIB,
  attempts: 8,
  firstPauseMs: 250,
  longestPauseMs: 15_000,
  silenceMs: 60_000,
}
