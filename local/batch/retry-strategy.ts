import type { EvaluateOnExit, RetryStrategy } from './requests.ts'

/** Exit code and reasons of a failed attempt. */
export interface FailedAttempt {
  readonly statusReason: string
  readonly containers: readonly { readonly reason?: string; readonly exitCode?: number }[]
}

/** Whether Batch retries the job after `attemptsMade` attempts. */
export function shouldRetry(strategy: RetryStrategy, attempt: FailedAttempt, attemptsMade: number): boolean {
  if (attemptsMade >= strategy.attempts) return false
  const rule = strategy.evaluateOnExit.find((candidate) => matches(candidate, attempt))
  // "If none of the listed conditions match, then the job is retried" (API reference, RetryStrategy).
  return rule === undefined || rule.action.toUpperCase() === 'RETRY'
}

/** All conditions of a rule must be true; those about containers, for at least one of them. */
function matches(rule: EvaluateOnExit, { statusReason, containers }: FailedAttempt): boolean {
  const ofContainers = (pattern: string | undefined, texts: readonly string[]): boolean =>
    pattern === undefined || texts.some((text) => matchesGlob(pattern, text))
  return (
    (rule.onStatusReason === undefined || matchesGlob(rule.onStatusReason, statusReason)) &&
    ofContainers(
      rule.onReason,
      containers.map(({ reason }) => reason ?? ''),
    ) &&
    ofContainers(
      rule.onExitCode,
      containers.flatMap(({ exitCode }) => (exitCode === undefined ? [] : [String(exitCode)])),
    )
  )
}

/** Batch's patterns have one wildcard, an asterisk at the end, and ignore case. */
export function matchesGlob(pattern: string, text: string): boolean {
  const [wanted, found] = [pattern.toLowerCase(), text.toLowerCase()]
  return wanted.endsWith('*') ? found.startsWith(wanted.slice(0, -1)) : found === wanted
}
