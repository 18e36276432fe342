import { BROWSER_HEADERS } from '../src/shared/foreign-requests.ts'

/** Headers of one connection, which say nothing about the message: RFC 9110, 7.6.1. */
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

/** Belong to the message whatever `Connection` lists: an intermediary that dropped them would change what the request asks for. */
const OF_THE_MESSAGE =
  /^(?:accept|access-control-|authorization$|cache-control$|content-|cookie$|date$|expect$|forwarded$|from$|host$|if-|origin$|pragma$|prefer$|range$|referer$|sec-|user-agent$|via$|x-amz|x-forwarded-|x-request-id$)/u

/** What the edge writes anew for its own connection, from the request as it was parsed. */
const FRAMING: readonly string[] = ['content-length', 'expect', 'host']

/**
 * Headers by which a client would choose another API, another operation or another identity than the one that it called:
 * `x-apigw-api-id` selects a private API, `x-amz-target` an operation, `x-api-key` a usage plan; the overrides are understood by
 * frameworks and emulators.
 */
const STEERING =
  /^(?:x-am(?:z|zn)-|x-apigw-|x-api-key$|x-http-method|x-method-override$|x-original-|x-rewrite-|x-localstack-|x-ministack-|x-moto-)/u

/** Names that an Application Load Balancer would drop as well: some servers take `content_length` for `content-length`. */
const UNUSUAL_NAME = /[^a-z0-9-]/u

/** Authorization in a scheme of AWS would be verified by the gateway, as if the edge had signed. */
const AWS_SCHEME = /^aws/iu

/** Name and value in turns, as Node has raw headers, without those of the connection and the dropped ones. */
export function endToEndHeaders(raw: readonly string[], dropped: readonly string[]): string[] {
  const listed = new Set(
    pairsOf(raw)
      .filter(([name]) => name.toLowerCase() === 'connection')
      .flatMap(([, value]) => value.split(',').map((word) => word.trim().toLowerCase()))
      .filter((name) => !OF_THE_MESSAGE.test(name)),
  )
  return withoutHeaders(raw, (name) => HOP_BY_HOP.has(name) || listed.has(name) || dropped.includes(name))
}

/**
 * Headers of a client's request that go on to the API. The framing is left out: the caller adds that of the body it sends.
 * @param dropped Further names, in lower case.
 */
export function clientHeaders(raw: readonly string[], dropped: readonly string[] = []): string[] {
  const isDropped = (name: string, value: string): boolean =>
    UNUSUAL_NAME.test(name) ||
    STEERING.test(name) ||
    BROWSER_HEADERS.test(name) ||
    (name === 'authorization' && AWS_SCHEME.test(value))
  return withoutHeaders(endToEndHeaders(raw, [...FRAMING, ...dropped]), isDropped)
}

/** The same headers but for those whose name, in lower case, is dropped. */
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
