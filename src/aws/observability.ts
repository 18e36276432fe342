import { Logger } from '@aws-lambda-powertools/logger'
import type { ReportProblem } from '../shared/report-problem.ts'
import { EngineLogFormatter } from './log-formatter.ts'

/** Structured log of the function. Entries have the {@link LogIds} that are known. */
export const logger = new Logger({
  serviceName: process.env.AWS_LAMBDA_FUNCTION_NAME ?? 'app-engine',
  logFormatter: new EngineLogFormatter(),
})

/** Ids of a log entry. Paths and bodies of requests are never logged, because they contain secrets. */
export interface LogIds {
  readonly requestId?: string
  /** Method and route pattern. */
  readonly route?: string
  readonly runId?: string
  readonly taskId?: string
  readonly uploadId?: string
  readonly jobId?: string
  readonly setId?: string
}

/** Replaces the ids of the previous event; call it first for each event. */
export function beginLog(ids: LogIds): void {
  logger.resetKeys()
  logger.appendKeys({ ...ids })
}

/** Adds ids to all following entries. */
export function logAbout(ids: LogIds): void {
  logger.appendKeys({ ...ids })
}

/** Logs a problem that the sweeper will repair. */
export const reportProblem: ReportProblem = (problem, about, error) => {
  logger.warn(problem, { ...about, error: error as Error })
}
