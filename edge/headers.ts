import { CONSOLE_HEADER } from '../src/contract/console.ts'
import { CONTENT_DIGEST_HEADER } from '../src/contract/idempotency.ts'
import { ORIGIN_HEADERS } from '../src/shared/foreign-requests.ts'

/** RFC 9110, 7.6.1. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Headers that are kept even if `Connection` lists them: dropping them would change the meaning of the request. */
const END_TO_END_HEADERS =
  /^(?:accept|access-control-|authorization$|cache-control$|content-|cookie$|date$|expect$|forwarded$|from$|host$|if-|origin$|pragma$|prefer$|range$|referer$|sec-|user-agent$|via$|x-amz|x-forwarded-|x-request-id$)/u

/** Headers that the edge writes for its own connection, from the parsed request. */
const FRAMING: readonly string[] = ['content-length', 'expect', 'host']

/**
 * Headers that select another API, operation or identity: `x-apigw-api-id` a private API, `x-amz-target` an operation, `x-api-key`
 * a usage plan. Frameworks and emulators evaluate the overrides.
 */
const ROUTING_HEADERS =
  /^(?:x-am(?:z|zn)-|x-apigw-|x-api-key$|x-http-method|x-method-override$|x-original-|x-rewrite-|x-localstack-|x-ministack-|x-moto-)/u

/** Some servers read `content_length` as `content-length`. An Application Load Balancer drops such names too. */
const UNUSUAL_NAME = /[^a-z0-9-]/u

/** API Gateway would verify a client's AWS signature instead of the edge's. */
const AWS_SCHEME = /^aws/iu

/** Removes hop-by-hop headers and the dropped ones. Headers are flat lists of names and values, as in `rawHeaders`. */
export function endToEndHeaders(raw: readonly string[], dropped: readonly string[]): string[] {
  const listed = new Set(
    pairsOf(raw)
      .filter(([name]) => name.toLowerCase() === 'connection')
      .flatMap(([, value]) => value.split(',').map((word) => word.trim().toLowerCase()))
      .filter((name) => !END_TO_END_HEADERS.test(name)),
  )
  return withoutHeaders(raw, (name) => HOP_BY_HOP.has(name) || listed.has(name) || dropped.includes(name))
}

/**
 * Selects the client's headers that are forwarded to the API. The caller adds the framing of the body that it sends.
 * @param dropped further names, in lower case
 */
export function clientHeaders(raw: readonly string[], dropped: readonly string[] = []): string[] {
  const isDropped = (name: string, value: string): boolean =>
    UNUSUAL_NAME.test(name) ||
    ROUTING_HEADERS.test(name) ||
    ORIGIN_HEADERS.test(name) ||
    (name === 'authorization' && AWS_SCHEME.test(value))
  const passed = withoutHeaders(
    endToEndHeaders(raw, [...FRAMING, CONSOLE_HEADER, CONTENT_DIGEST_HEADER, ...dropped]),
    isDropped,
  )
  return isOfPage(raw) ? [...passed, CONSOLE_HEADER, 'page'] : passed
}

/** Whether a page of the service itself sent the request. Requests of other pages were refused before. */
function isOfPage(raw: readonly string[]): boolean {
  return pairsOf(raw).some(([name, value]) => {
    const header = name.toLowerCase()
    const isSameOrigin = header === 'sec-fetch-site' && value.trim().toLowerCase() === 'same-origin'
    return isSameOrigin || header === 'origin' || header === CONSOLE_HEADER
  })
}

/** @param isDropped Gets the name in lower case */
export function withoutHeaders(
  raw: readonly string[],
  isDropped: (name: string, value: string) => boolean,
): string[] {
  return pairsOf(raw)
    .filter(([name, value]) => !isDropped(name.toLowerCase(), value.trim()))
    .flat()
}

function pairsOf(raw: readonly string[]): [name: string, value: string][] {
  return raw.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : [],
  )
}
