import {
  guardedLookup,
  hasRefusedAddress,
  type ReachableNetworks,
  RefusedAddressError,
} from '../shared/guarded-address.ts'
import { exchange, startRequest } from '../shared/http.ts'
import { faultOfUrl, isReservedPort, RUNTIME_API } from '../shared/outgoing-url.ts'
import { schemesOf } from './create-webhook.ts'
import type { Receivers } from './receiver.ts'

/** Time limit of the whole exchange: resolving the name, connecting, sending, and the response with its body. */
const MAX_MS = 10_000

export interface HttpReceiversOptions {
  readonly networks: ReachableNetworks
  readonly runtimeApi?: string | undefined
  readonly longestMs?: number
  /** Replaced in tests. */
  readonly lookup?: ReturnType<typeof guardedLookup>
}

/**
 * Receivers over HTTP. Redirects are not followed. At most 64 KiB of a response are read, and none of it is kept. Repeats the checks
 * of {@link createWebhook}, because a webhook may be older than a rule.
 */
export function createHttpReceivers(options: HttpReceiversOptions): Receivers {
  const { networks, runtimeApi = RUNTIME_API, longestMs = MAX_MS } = options
  const lookup = options.lookup ?? guardedLookup(networks)
  return {
    async post(target, headers, body) {
      const url = new URL(target)
      if (
        faultOfUrl(url, schemesOf(networks)) !== undefined ||
        hasRefusedAddress(url, networks) ||
        isReservedPort(url, runtimeApi)
      ) {
        throw new RefusedAddressError()
      }
      const content = Buffer.from(body)
      const request = startRequest(url, {
        method: 'POST',
        // A new connection, whose address is checked.
        agent: false,
        lookup,
        headers: { ...headers, 'content-length': content.length, 'user-agent': 'cytomine-app-engine' },
        timeout: longestMs,
      })
      const timer = setTimeout(
        () => request.destroy(new Error(`no complete response within ${longestMs / 1000} s`)),
        longestMs,
      )
      try {
        return (await exchange(request, content)).status
      } finally {
        clearTimeout(timer)
        request.destroy()
      }
    },
  }
}
