import { cutText } from '../src/contract/quoted.ts'
import { MAX_PROBLEM_LENGTH } from '../src/contract/staging.ts'
import { FinalError } from './retry.ts'

/*
 * Limits of one run's files. A task or a client's zip beyond them fails the run with a message for its author; otherwise the stager
 * would run out of memory.
 */

/** Maximum number of entries of folders that are packed or unpacked. */
const MAX_FILES = 300_000

/**
 * Maximum sum of the entries' paths in bytes. Node needs at most twice as much for the text, and about 200 bytes an
 * entry: less than the stager's heap of 256 MiB.
 */
const MAX_NAME_BYTES = 24 * 1024 * 1024

/** Maximum size of all outputs together; a multipart upload can have 156 GiB. */
const MAX_BYTES = 150 * 1024 ** 3

/** Maximum nesting depth. The deepest arrays and DICOM trees have about ten levels. */
export const MAX_DEPTH = 32

/**
 * Error for invalid files, as opposed to a failed transfer. The message is for the task's author, or for the client.
 */
export class ContentError extends FinalError {}

/** The error's message, shortened for a listing. */
export function problemText({ message }: ContentError): string {
  return cutText(message, MAX_PROBLEM_LENGTH - 1)
}

/** Quantities that the limits apply to. */
export interface Amount {
  readonly files?: number
  readonly nameBytes?: number
  readonly bytes?: number
}

/**
 * Creates the budget of one run: its limits, reduced by each {@link Budget.take}.
 * @param smaller limits in place of those of a run that succeeds
 * @param owner subject of the limits in error messages
 */
export function createBudget(smaller: Amount = {}, owner = 'a run') {
  const limits = { files: MAX_FILES, nameBytes: MAX_NAME_BYTES, bytes: MAX_BYTES, ...smaller }
  const left = { ...limits }
  return {
    /** Restores the budget when `work` throws, so that one output that is too large does not exclude the others. */
    atomically<Result>(work: () => Result): Result {
      const before = { ...left }
      try {
        return work()
      } catch (error) {
        Object.assign(left, before)
        throw error
      }
    },
    /** @throws ContentError when the remaining budget is smaller */
    take({ files = 0, nameBytes = 0, bytes = 0 }: Amount): void {
      left.files -= files
      left.nameBytes -= nameBytes
      left.bytes -= bytes
      if (left.files < 0) {
        throw new ContentError(
          `the folders have more than ${limits.files} files, the limit of ${owner}; write fewer, larger files`,
        )
      }
      if (left.nameBytes < 0) {
        throw new ContentError(
          `the paths of all files in folders have more than ${limits.nameBytes} bytes together, the limit of ${owner}; use shorter names`,
        )
      }
      if (left.bytes < 0) {
        throw new ContentError(
          `the files have more than ${limits.bytes} bytes together, the limit of ${owner}; use fewer or smaller files`,
        )
      }
    },
  }
}

/** Files, bytes of names and bytes that a run may still transfer. */
export type Budget = ReturnType<typeof createBudget>
