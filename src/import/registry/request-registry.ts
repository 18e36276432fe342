import { exchange, type HttpAnswer, startRequest } from '../../shared/http.ts'

/** Idle time-out, shorter than the time that an import reserves for its end. */
export const IDLE_MS = 60 * 1000

export interface RegistryRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  /** A buffer is sent with its length, a stream in chunks with backpressure. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>
}

/** Sends one request and returns any response, an early refusal included. */
export function requestRegistry(url: URL, { method, headers, body }: RegistryRequest): Promise<HttpAnswer> {
  return exchange(startRequest(url, { method, headers, timeout: IDLE_MS }), body)
}
