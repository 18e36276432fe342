import type { LogStore, RunRepository } from '../ports.ts'
import { findRun } from './find-run.ts'

/** One answer must pass Lambda's 6 MB; the newest part says why a task failed. */
const MAX_LOG_BYTES = 4 * 1024 * 1024

/** What the task's container printed, and behind it why the run failed, in every state (run-lifecycle 11). */
export async function readRunLog(
  deps: { readonly runs: RunRepository; readonly logs: LogStore },
  runId: string,
): Promise<string> {
  const run = await findRun(deps, runId)
  const stream = run.job?.logStreamName
  const printed = stream === undefined ? '' : await deps.logs.read(stream, MAX_LOG_BYTES)
  if (run.failure === undefined) return printed
  const gap = printed === '' || printed.endsWith('\n') ? '' : '\n'
  return `${printed}${gap}[app-engine] run failed (${run.failure.kind}): ${run.failure.message}\n`
}
