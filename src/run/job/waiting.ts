import type { Run } from '../run.ts'
import { canFollow } from '../transitions.ts'

/** Most jobs wait a minute or two for a machine, and what Batch says meanwhile would only alarm. */
const QUIET_MS = 10 * 60 * 1000

/** Why a started run does not run yet, in Batch's words; undefined unless it has waited for ten minutes. */
export function waitingReason({ state, job }: Pick<Run, 'state' | 'job'>, now: Date): string | undefined {
  if (job?.waiting === undefined || !canFollow(state, 'RUNNING')) return undefined
  return now.getTime() - Date.parse(job.waiting.since) >= QUIET_MS ? job.waiting.reason : undefined
}
