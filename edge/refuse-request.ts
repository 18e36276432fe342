import type { Exchange } from './exchange.ts'
import { answerFailure, ClientGoneError, FragmentedBodyError, StalledBodyError } from './failures.ts'
import { LINGER_MS } from './limits.ts'

/** Answers a failed request whose body the client may still be sending. */
export function refuseRequest(
  { request, response, requestLog, controller }: Exchange,
  failure: unknown,
): void {
  // After a disconnect, other errors are consequences.
  const cause = response.destroyed ? new ClientGoneError() : reasonOf(controller.signal, failure)
  answerFailure(response, cause)
  requestLog.failed(cause, cause instanceof ClientGoneError ? undefined : response.statusCode)
  if (request.complete || request.destroyed || cause instanceof FragmentedBodyError) return
  // Closing the connection now would reset it, and the client could lose the response.
  request.resume()
  const linger = setTimeout(() => request.destroy(), LINGER_MS).unref()
  request.once('close', () => clearTimeout(linger))
}

/** An aborted body makes streams and calls fail with errors that do not name the cause. */
function reasonOf({ reason }: AbortSignal, failure: unknown): unknown {
  return reason instanceof StalledBodyError || reason instanceof FragmentedBodyError ? reason : failure
}
