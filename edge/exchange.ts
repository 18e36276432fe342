import type { IncomingMessage, ServerResponse } from 'node:http'
import { FRAGMENTED } from './bounded-request.ts'
import { ClientGoneError, FragmentedBodyError } from './failures.ts'
import type { RequestLog } from './request-log.ts'

/** A request of a client, and what belongs to it. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestLog: RequestLog
  /** Aborted when the client is gone or its body stalls; the reason is what the request failed with. */
  readonly controller: AbortController
}

/** Begins an exchange, which ends when the client goes away. */
export function beginExchange(
  request: IncomingMessage,
  response: ServerResponse,
  requestLog: RequestLog,
): Exchange {
  const controller = new AbortController()
  const leave = (): void => {
    if (!response.writableFinished) controller.abort(new ClientGoneError())
  }
  response.once('close', leave)
  // Whoever reads the body hears of it too; without a listener it would end the process.
  request.on('error', () => undefined)
  request.once(FRAGMENTED, () => {
    // A request that has its answer already keeps only its body's rest.
    if (response.headersSent) request.destroy()
    else controller.abort(new FragmentedBodyError())
  })
  if (response.destroyed) leave()
  return { request, response, requestLog, controller }
}
