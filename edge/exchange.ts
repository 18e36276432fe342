import type { IncomingMessage, ServerResponse } from 'node:http'
import { FRAGMENTED } from './bounded-request.ts'
import { ClientGoneError, FragmentedBodyError } from './failures.ts'
import type { RequestLog } from './request-log.ts'

/** One request and its response. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestLog: RequestLog
  /** Aborted by the first failure, with that failure as reason. */
  readonly controller: AbortController
}

/** Aborts the exchange's controller when the client disconnects or sends its body in tiny pieces. */
export function beginExchange(
  request: IncomingMessage,
  response: ServerResponse,
  requestLog: RequestLog,
): Exchange {
  const controller = new AbortController()
  const onGone = (): void => {
    if (!response.writableFinished) controller.abort(new ClientGoneError())
  }
  response.once('close', onGone)
  // The body's reader gets the error too; without a listener it would end the process.
  request.on('error', () => undefined)
  request.once(FRAGMENTED, () => {
    // The response has begun, so an error cannot be sent any more.
    if (response.headersSent) request.destroy()
    else controller.abort(new FragmentedBodyError())
  })
  if (response.destroyed) onGone()
  return { request, response, requestLog, controller }
}
