import type { ObjectStore } from '../aws/object-store.ts'
import { runLogKey } from '../contract/storage-keys.ts'
import { parseJobName } from '../run/job/job-definition.ts'
import { hasEnded, type JobDetail, taskLogStream } from '../run/job/job-outcome.ts'
import type { LogStore } from '../run/log-store.ts'
import type { RunRepository } from '../run/run-repository.ts'

interface Dependencies {
  readonly runs: Pick<RunRepository, 'find'>
  readonly logs: Pick<LogStore, 'read'>
  readonly objects: Pick<ObjectStore, 'put' | 'remove'>
}

const KEPT_LINES = 500
/** Long lines count too: this much comes with one call. */
const KEPT_BYTES = 512 * 1024

/**
 * Keeps the end of the log of an ended job with its run, for the time when the log group has forgotten it. To be called after
 * the end was recorded, which must not wait for it; may be repeated.
 */
export async function keepRunLog(deps: Dependencies, job: JobDetail): Promise<void> {
  const name = parseJobName(job.jobName)
  const stream = taskLogStream(job)
  if (name === undefined || stream === undefined || !hasEnded(job)) return
  // The log of a job that was replaced by another is not the run's.
  if ((await deps.runs.find(name.runId))?.job?.attempt !== name.attempt) return
  const text = await deps.logs.read(stream, KEPT_BYTES)
  if (text === '') return
  const key = runLogKey(name.runId)
  await deps.objects.put(key, lastLines(text), 'text/plain; charset=utf-8')
  // Deleted meanwhile, and its files perhaps removed before this one came.
  if ((await deps.runs.find(name.runId)) === undefined) await deps.objects.remove(key)
}

function lastLines(text: string): string {
  const end = text.endsWith('\n') ? '\n' : ''
  return text.trimEnd().split('\n').slice(-KEPT_LINES).join('\n') + end
}
