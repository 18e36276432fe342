import { printable } from '../contract/quoted.ts'
import type { RunFailureKind } from '../contract/run-failure-kinds.ts'
import { CONTAINERS } from '../run/job/job-definition.ts'
import { type JobDetail, logStreamOf } from '../run/job/job-outcome.ts'
import { explainExecLine } from '../run/job/start-failure.ts'
import type { LogStore } from '../run/log-store.ts'
import type { RunFailure } from '../run/run.ts'

/** Container whose log explains a failure; the stager's last line is written for this. */
const LOG_OF_FAILURE: Partial<
  Record<RunFailureKind, { readonly container: string; readonly lines: number }>
> = {
  'task-failed': { container: CONTAINERS.task, lines: 5 },
  'input-staging-failed': { container: CONTAINERS.stageIn, lines: 1 },
  'output-staging-failed': { container: CONTAINERS.stageOut, lines: 1 },
}

/** Bytes read from the end of the log. Limits the message, which is stored with the run and shown in lists. */
const MAX_BYTES = 1000

/**
 * Appends the last log lines of the failed container to a failure's message. The first line stays the reason. Without a
 * log, or when it cannot be read, the failure is returned unchanged: a run must not wait for its log.
 */
export async function explainByLog<Failure extends Omit<RunFailure, 'attempt'>>(
  logs: Pick<LogStore, 'read'>,
  job: JobDetail,
  failure: Failure,
): Promise<Failure> {
  const speaker = LOG_OF_FAILURE[failure.kind]
  const stream = speaker === undefined ? undefined : logStreamOf(job, speaker.container)
  if (speaker === undefined || stream === undefined) return failure
  // A task that never started has no exit code; its log is the container engine's.
  if (failure.kind === 'task-failed' && failure.exitCode === undefined) return failure
  const text = await logs.read(stream, MAX_BYTES).catch(() => '')
  const all = text.trimEnd().split(/\r?\n/u)
  const lines = all.slice(-speaker.lines).map((line) => printable(line.replaceAll('\t', '    '), MAX_BYTES))
  if (lines.join('').trim() === '') return failure
  if (speaker.lines === 1) return { ...failure, message: `${failure.message}: ${lines.join('')}` }
  const start = all.length === 1 ? explainExecLine(all.join('')) : undefined
  const reason = start === undefined ? failure.message : `${failure.message}: ${start}`
  return { ...failure, message: `${reason}\nIts log ends with:\n${lines.join('\n')}` }
}
