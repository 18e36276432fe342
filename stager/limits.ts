import { FinalError } from './retry.ts'

/*
 * What one run may move. A task that floods its folder, or a client's zip that would, gets a clear end instead of a stager
 * out of memory; the words become the run's reason.
 */

/** Files in folders that are packed or unpacked. 300 000 were measured to take 370 MiB, and the container has 512. */
const MAX_FILES = 300_000

/** All outputs together; the most that one output in parts may have is 156 GiB. */
const MAX_BYTES = 150 * 1024 ** 3

/** Folders in folders. The deepest arrays and DICOM trees have some ten. */
export const MAX_DEPTH = 32

/** What is left of the limits. */
export interface Budget {
  /**
   * @param owner whose files and bytes they are, in words
   * @throws FinalError when that is more than is left
   */
  take(owner: string, amount: { readonly files?: number; readonly bytes?: number }): void
}

/** The limits of one run. */
export function createBudget(limits = { files: MAX_FILES, bytes: MAX_BYTES }): Budget {
  const left = { ...limits }
  return {
    take(owner, { files = 0, bytes = 0 }) {
      left.files -= files
      left.bytes -= bytes
      if (left.files < 0) throw new FinalError(`${owner}: a run may have ${limits.files} files in folders`)
      if (left.bytes < 0) throw new FinalError(`${owner}: a run may move ${limits.bytes} bytes`)
    },
  }
}
