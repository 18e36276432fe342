import { exchange, type HttpAnswer, startRequest } from '../../shared/http.ts'

/** Shorter than the time that an import reserves for its end. */
export const IDLE_MS = 60 * 1000

/** One request to a registry. */
export interface RegistryRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  /** A buffer goes with its length, a stream in chunks at the pace of the network. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>
}

/** Sends one request to a registry and returns any answer, an early refusal too. */
export function requestRegistry(url: URL, { method, headers, body }: RegistryRequest): Promise<HttpAnswer> {
  return exchange(startRequest(url, { method, headers, timeout: IDLE_MS }), body)
}
