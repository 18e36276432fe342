import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { gatewayRequestIdOf } from './failures.ts'
import { routeOf, runIdOf } from './routes.ts'

/** One event. Keys are those of the functions' logs, so that the same queries find both; nothing of it may be a secret. */
export interface LogEntry {
  readonly level: 'INFO' | 'WARN' | 'ERROR'
  readonly message: string
  readonly method?: string
  /** The path with all but the contract's own words masked. */
  readonly route?: string
  /** What the client was told; none when it is gone. */
  readonly status?: number
  /** API Gateway's, if it has answered; otherwise one that binds together what is told of a request. */
  readonly requestId?: string
  readonly runId?: string
  readonly uploadId?: string
  readonly reason?: string
}

/** The log of one request. */
export interface RequestLog {
  /** @param status What the client was told; undefined when it is gone */
  failed(failure: unknown, status: number | undefined): void
  discarded(uploadId: string): void
  notDiscarded(uploadId: string, failure: unknown): void
}

/** Path, query and headers of the request stay out: they carry secrets. */
export function createRequestLog(request: IncomingMessage, log: (entry: LogEntry) => void): RequestLog {
  const { method = '', url = '' } = request
  const runId = runIdOf(url)
  const about = { method, route: routeOf(url), ...(runId === undefined ? {} : { runId }) }
  let requestId: string = randomUUID()
  return {
    failed(failure, status) {
      requestId = gatewayRequestIdOf(failure) ?? requestId
      const isOurs = status !== undefined && status >= 500
      log({
        level: isOurs ? 'ERROR' : 'INFO',
        message: status === undefined ? 'request given up' : 'request refused',
        ...about,
        ...(status === undefined ? {} : { status }),
        requestId,
        reason: describe(failure),
      })
    },
    discarded(uploadId) {
      log({ level: 'INFO', message: 'upload is discarded', ...about, requestId, uploadId })
    },
    notDiscarded(uploadId, failure) {
      const reason = describe(failure)
      log({ level: 'WARN', message: 'upload is not discarded', ...about, requestId, uploadId, reason })
    },
  }
}

/** An entry as a line of JSON. */
export function lineOf({ level, message, ...rest }: LogEntry, now: Date): string {
  return JSON.stringify({ level, message, timestamp: now.toISOString(), service: 'edge', ...rest })
}

/** With its causes, which say what really happened. */
function describe(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure)
  return failure.cause === undefined ? String(failure) : `${failure} (${describe(failure.cause)})`
}
