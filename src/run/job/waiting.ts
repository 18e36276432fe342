import type { Run } from '../run.ts'
import { canFollow } from '../transitions.ts'

/** Waiting time below which no reason is shown: most jobs wait a minute or two for a machine. */
const QUIET_MS = 10 * 60 * 1000

/** Batch's reason why a started run has no machine; undefined before it has waited for {@link QUIET_MS}. */
export function waitingReason({ state, job }: Pick<Run, 'state' | 'job'>, now: Date): string | undefined {
  if (job?.waiting === undefined || !canFollow(state, 'RUNNING')) return undefined
  return now.getTime() - Date.parse(job.waiting.since) >= QUIET_MS ? job.waiting.reason : undefined
}
