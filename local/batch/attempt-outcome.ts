import type { ContainerEnd } from './job.ts'
import type { Container } from './requests.ts'

/** Reason for which an attempt was stopped from outside. */
export type AttemptStop = 'timed-out' | 'terminated' | 'server-stopped'

export interface AttemptOutcome {
  readonly succeeded: boolean
  readonly statusReason: string
}

/*
 * Texts of recorded Batch events, so that the code that parses them is tested. A failed dependency was not recorded on AWS: ECS
 * reports "Task failed to start" when an essential container cannot be started.
 */
const REASONS = {
  essentialExited: 'Essential container in task exited',
  failedToStart: 'Task failed to start',
  timedOut: 'Job attempt duration exceeded timeout',
} as const

/**
 * Reason of a job that was running when the server exited. Must not match a lost EC2 host, which is retried.
 */
export const SERVER_STOPPED = 'The local Batch server was stopped while the job was running'

/** Derives status and reason of an attempt from the ends of its containers. */
export function concludeAttempt(
  containers: readonly Container[],
  ends: readonly ContainerEnd[],
  stop: AttemptStop | undefined,
  endReason: string | undefined,
): AttemptOutcome {
  if (stop === 'terminated') return failed(endReason ?? 'Terminated')
  if (stop === 'timed-out') return failed(REASONS.timedOut)
  if (stop === 'server-stopped') return failed(SERVER_STOPPED)
  const essential = new Set(containers.filter((container) => container.essential).map(({ name }) => name))
  const exitCodes = ends
    .filter(({ name, reason = '' }) => essential.has(name) && !reason.startsWith('CannotStart'))
    .flatMap(({ exitCode }) => exitCode ?? [])
  // No essential container ran: its image or a dependency failed.
  if (exitCodes.length === 0) return failed(REASONS.failedToStart)
  return {
    succeeded: exitCodes.every((exitCode) => exitCode === 0),
    statusReason: REASONS.essentialExited,
  }
}

function failed(statusReason: string): AttemptOutcome {
  return { succeeded: false, statusReason }
}
