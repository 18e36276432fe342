import { readFile } from 'node:fs/promises'
import { importBytes } from '../fixtures/import-bytes.ts'

/*
 * Imports one bundle, whose file is the argument, and tells its parent how that ended and what the whole process took.
 */

export interface HostileResult {
  /** Of the refusal; 0 when the bundle was taken. */
  readonly status: number
  readonly peakBytes: number
}

const result = await importBytes(await readFile(process.argv[2] ?? ''))
const status = 'task' in result ? 0 : result.refusal.status
process.send?.({ status, peakBytes: process.resourceUsage().maxRSS * 1024 } satisfies HostileResult)
