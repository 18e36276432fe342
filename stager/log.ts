import { STAGER_VARIABLES } from '../src/contract/staging.ts'

/** Set by Batch in the containers of a job. */
const JOB_VARIABLE = 'AWS_BATCH_JOB_ID'

/** One log event of the stager. */
export interface LogEntry {
  readonly level: 'INFO' | 'WARN' | 'ERROR'
  readonly message: string
  readonly files?: number
  readonly seconds?: number
}

/** Formats an event as JSON with the keys of the functions' logs, so that one query by run id finds both. */
export function lineOf(
  { level, message, ...rest }: LogEntry,
  environment: Readonly<Record<string, string | undefined>>,
  now: Date,
): string {
  return JSON.stringify({
    level,
    message,
    timestamp: now.toISOString(),
    service: 'stager',
    runId: environment[STAGER_VARIABLES.runId],
    jobId: environment[JOB_VARIABLE],
    ...rest,
  })
}
