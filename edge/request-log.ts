import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { gatewayRequestIdOf } from './failures.ts'
import { routeOf, runIdOf } from './log-path.ts'

/** One log event, without secrets. Keys equal those of the functions' logs, so that one query finds both. */
export interface LogEntry {
  readonly level: 'INFO' | 'WARN' | 'ERROR'
  readonly message: string
  readonly method?: string
  /** Path with every segment masked that is not a literal of the contract. */
  readonly route?: string
  /** Status of the response; undefined when the client has disconnected. */
  readonly status?: number
  /** API Gateway's id if it answered; otherwise a generated id that all entries of one request share. */
  readonly requestId?: string
  readonly runId?: string
  readonly uploadId?: string
  readonly reason?: string
}

/** Omits path, query and headers, which may carry secrets. */
export function createRequestLog(request: IncomingMessage, log: (entry: LogEntry) => void) {
  const { method = '', url = '' } = request
  const runId = runIdOf(url)
  const about = { method, route: routeOf(url), ...(runId === undefined ? {} : { runId }) }
  let requestId: string = randomUUID()
  return {
    /** @param status Status of the response; undefined when the client has disconnected */
    failed(failure: unknown, status: number | undefined): void {
      requestId = gatewayRequestIdOf(failure) ?? requestId
      const isOurs = status !== undefined && status >= 500
      log({
        level: isOurs ? 'ERROR' : 'INFO',
        message: status === undefined ? 'request aborted by client' : 'request refused',
        ...about,
        ...(status === undefined ? {} : { status }),
        requestId,
        reason: describe(failure),
      })
    },
    discarded(uploadId: string): void {
      log({ level: 'INFO', message: 'upload is discarded', ...about, requestId, uploadId })
    },
    notDiscarded(uploadId: string, failure: unknown): void {
      const reason = describe(failure)
      log({ level: 'WARN', message: 'upload is not discarded', ...about, requestId, uploadId, reason })
    },
  }
}

/** The log of one request. */
export type RequestLog = ReturnType<typeof createRequestLog>

export function lineOf({ level, message, ...rest }: LogEntry, now: Date): string {
  return JSON.stringify({ level, message, timestamp: now.toISOString(), service: 'edge', ...rest })
}

/** An error with its causes; the last cause is the most specific. */
function describe(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure)
  return failure.cause === undefined ? String(failure) : `${failure} (${describe(failure.cause)})`
}
