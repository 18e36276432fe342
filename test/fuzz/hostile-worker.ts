import { readFile } from 'node:fs/promises'
import { importBytes } from '../fixtures/import-bytes.ts'

/*
 * Imports the bundle in the file that the argument names. Sends the result and the peak memory of the process to its parent.
 */

export interface HostileResult {
  /** Status of the refusal; 0 if the bundle was imported. */
  readonly status: number
  readonly peakBytes: number
}

const result = await importBytes(await readFile(process.argv[2] ?? ''))
const status = 'task' in result ? 0 : result.refusal.status
process.send?.({ status, peakBytes: process.resourceUsage().maxRSS * 1024 } satisfies HostileResult)
