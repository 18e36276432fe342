import { isUtf8 } from 'node:buffer'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'

/** Fields of a REST API's event that are read here. */
export type GatewayEvent = Pick<
  APIGatewayProxyEvent,
  | 'resource'
  | 'path'
  | 'httpMethod'
  | 'headers'
  | 'multiValueHeaders'
  | 'queryStringParameters'
  | 'multiValueQueryStringParameters'
  | 'body'
  | 'isBase64Encoded'
> & {
  readonly requestContext: Pick<APIGatewayProxyEvent['requestContext'], 'requestId'> & {
    /** Principal of a signed request. */
    readonly identity?: Pick<APIGatewayProxyEvent['requestContext']['identity'], 'userArn'>
  }
  /** Only HTTP APIs have it, in payload format 1.0; MiniStack sends it for REST APIs as well. */
  readonly version?: string
}

/** Replaces methods that `Request` refuses, so that they get 405 like any unknown method. */
const UNKNOWN_METHOD = 'UNKNOWN'
const METHODS_WITHOUT_REQUEST: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** Characters that an encoded path must escape (RFC 3986, 3.3), and `%` without two hexadecimal digits. */
const NOT_IN_PATH = /[^\w.~!$&'()*+,;=:@/%-]|%(?![0-9a-f]{2})/giu

/** Converts an event to a request. Its path is decoded once: by the gateway or by the router, never by both. */
export function requestOf(event: GatewayEvent): Request {
  const headers = headersOf(event)
  const method = METHODS_WITHOUT_REQUEST.has(event.httpMethod.toUpperCase())
    ? UNKNOWN_METHOD
    : event.httpMethod
  const takesBody = event.body !== null && event.body !== '' && method !== 'GET' && method !== 'HEAD'
  const body = takesBody
    ? Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8')
    : undefined
  if (body !== undefined) headers.set('content-length', String(body.byteLength))
  // No route reads the host of the URL, so the client's unchecked host is not copied.
  return new Request(`https://api.invalid${encodedPath(event)}${queryOf(event)}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  })
}

/**
 * Percent-encodes the path for the router. REST APIs send it encoded. HTTP APIs and MiniStack send it decoded, so that `#`, `?` and
 * `%` are characters of a name and not syntax.
 */
function encodedPath({ path, version }: GatewayEvent): string {
  const encoded = (version === undefined ? path : path.replaceAll('%', '%25'))
    .toWellFormed()
    .replace(NOT_IN_PATH, encodeURIComponent)
  // `URL` would resolve dot segments to another path than API Gateway has matched. The root is not a route.
  const hasDotSegment = encoded.split('/').some((segment) => /^(?:\.|%2e){1,2}$/iu.test(segment))
  return hasDotSegment ? '/' : encoded
}

function queryOf({ queryStringParameters, multiValueQueryStringParameters }: GatewayEvent): string {
  const query = new URLSearchParams()
  for (const [name, values] of Object.entries(multiValueQueryStringParameters ?? {})) {
    for (const value of values ?? []) query.append(name, value)
  }
  for (const [name, value] of Object.entries(queryStringParameters ?? {})) {
    if (value !== undefined && !query.has(name)) query.append(name, value)
  }
  return query.size === 0 ? '' : `?${query}`
}

function headersOf({ headers, multiValueHeaders }: GatewayEvent): Headers {
  const all = new Headers()
  for (const [name, values] of Object.entries(multiValueHeaders ?? {})) {
    for (const value of values ?? []) all.append(name, headerValue(value))
  }
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value !== undefined && !all.has(name)) all.set(name, headerValue(value))
  }
  return all
}

/** `Headers` throws on line ends and on characters beyond Latin-1. */
function headerValue(value: string): string {
  return value.replace(/[^\t\x20-\x7e\x80-\xff]/gu, '?')
}

/**
 * Converts a response for API Gateway, always as text, which every gateway passes on unchanged. Whether a base64 body is decoded
 * depends on the gateway, its binary media types and the client's `Accept`. Other bytes are sent by a redirect (download.ts).
 * @throws Error when the body is not UTF-8
 */
export async function resultOf(response: Response): Promise<APIGatewayProxyResult> {
  const bytes = Buffer.from(await response.arrayBuffer())
  if (!isUtf8(bytes)) throw new Error('a response of the API is not UTF-8')
  return {
    statusCode: response.status,
    // Without a type, gateways add application/json even to an empty response. The edge removes the empty header.
    headers: { ...(bytes.length === 0 && { 'content-type': '' }), ...Object.fromEntries(response.headers) },
    // Unlike Response.text(), this keeps a byte order mark.
    body: bytes.toString('utf8'),
    isBase64Encoded: false,
  }
}
