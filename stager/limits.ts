import { FinalError } from './retry.ts'

/*
 * What one run may move. A task that floods its folder, or a client's zip that would, gets a clear end instead of a stager
 * out of memory; the words become the run's reason.
 */

/** Entries of folders that are packed or unpacked. */
const MAX_FILES = 300_000

/**
 * Bytes of the paths of these entries. Node holds at most twice as much text, and some 200 bytes an entry beside it: below the
 * 256 MiB that the stager's objects may take.
 */
const MAX_NAME_BYTES = 24 * 1024 * 1024

/** All outputs together; the most that one output in parts may have is 156 GiB. */
const MAX_BYTES = 150 * 1024 ** 3

/** Folders in folders. The deepest arrays and DICOM trees have some ten. */
export const MAX_DEPTH = 32

/** The files themselves are at fault, not their transfer; the words are for who made them: the task's author, or the client. */
export class ContentError extends FinalError {}

/** What is taken of the limits. */
export interface Amount {
  readonly files?: number
  readonly nameBytes?: number
  readonly bytes?: number
}

/** The limits of one run; tests take smaller ones. */
export function createBudget(smaller: Amount = {}) {
  const limits = { files: MAX_FILES, nameBytes: MAX_NAME_BYTES, bytes: MAX_BYTES, ...smaller }
  const left = { ...limits }
  return {
    /** @throws ContentError when that is more than is left */
    take({ files = 0, nameBytes = 0, bytes = 0 }: Amount): void {
      left.files -= files
      left.nameBytes -= nameBytes
      left.bytes -= bytes
      if (left.files < 0) {
        throw new ContentError(
          `a run may have ${limits.files} files in folders, and here are more; use fewer, larger files`,
        )
      }
      if (left.nameBytes < 0) {
        throw new ContentError(
          `the paths of all files in folders may have ${limits.nameBytes} bytes together, and have more; use shorter names`,
        )
      }
      if (left.bytes < 0) {
        throw new ContentError(
          `a run may move ${limits.bytes} bytes, and here are more; use less or smaller files`,
        )
      }
    },
  }
}

/** What is left of the limits. */
export type Budget = ReturnType<typeof createBudget>
