import { Logger } from '@aws-lambda-powertools/logger'
import type { ReportProblem } from '../shared/report-problem.ts'
import { EngineLogFormatter } from './log-formatter.ts'

/** Structured log of a function; entries carry run, task, upload and request id where they are known. */
export const logger = new Logger({
  serviceName: process.env.AWS_LAMBDA_FUNCTION_NAME ?? 'app-engine',
  logFormatter: new EngineLogFormatter(),
})

/** What a log entry may be found by. Nothing else of a request belongs into the log: paths and bodies carry secrets. */
export interface LogIds {
  readonly requestId?: string
  /** Method and pattern, not path. */
  readonly route?: string
  readonly runId?: string
  readonly taskId?: string
  readonly uploadId?: string
  readonly jobId?: string
}

/** To be called first for every event: a process handles many, one after the other, and forgets the ids of the one before. */
export function beginLog(ids: LogIds): void {
  logger.resetKeys()
  logger.appendKeys({ ...ids })
}

/** Entries from here on also carry these ids. */
export function logAbout(ids: LogIds): void {
  logger.appendKeys({ ...ids })
}

/** Logs a problem that the sweeper makes up for. */
export const reportProblem: ReportProblem = (problem, about, error) => {
  logger.warn(problem, { ...about, error: error as Error })
}
