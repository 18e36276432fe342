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
/** Maximum size of the stored lines; fewer of them are stored when they are long. */
const KEPT_BYTES = 512 * 1024

/**
 * Stores the last lines of an ended job's log with its run, since the log group expires. Call it after the end was
 * recorded, which must not wait for it. Idempotent.
 */
export async function keepRunLog(deps: Dependencies, job: JobDetail): Promise<void> {
  const name = parseJobName(job.jobName)
  const stream = taskLogStream(job)
  if (name === undefined || stream === undefined || !hasEnded(job)) return
  // A job that was replaced by another attempt is not the run's.
  if ((await deps.runs.find(name.runId))?.job?.attempt !== name.attempt) return
  const text = await deps.logs.read(stream, KEPT_BYTES)
  if (text === '') return
  const key = runLogKey(name.runId)
  await deps.objects.put(key, lastLines(text), 'text/plain; charset=utf-8')
  // The run was deleted meanwhile, perhaps before this object was written.
  if ((await deps.runs.find(name.runId)) === undefined) await deps.objects.remove(key)
}

function lastLines(text: string): string {
  const end = text.endsWith('\n') ? '\n' : ''
  return text.trimEnd().split('\n').slice(-KEPT_LINES).join('\n') + end
}
