import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import * as z from 'zod'
import { DomainError, type ErrorBody, explained } from '../src/contract/errors.ts'
import { endToEndHeaders } from './headers.ts'
import { CLOSE_DELAY_MS, MIN_PIECE_BYTES, RETRY_AFTER_SECONDS } from './limits.ts'

/** The API or S3 sent no response, or an unexpected one; `message` is for the client. */
export class UnreachableError extends Error {
  constructor(what: 'API' | 'storage', cause: unknown) {
    super(`The App Engine ${what} cannot be reached.`, { cause })
    this.name = 'UnreachableError'
  }
}

/** The client disconnected before the end of the response. */
export class ClientGoneError extends Error {
  constructor() {
    super('the client disconnected')
    this.name = 'ClientGoneError'
  }
}

/** A body is slower than the minimum, or was evicted from a budget as stalled; `message` is for the client. */
export class StalledBodyError extends Error {
  constructor() {
    super(
      'The request was aborted: its body stopped, or arrived more slowly than the App Engine accepts. Send it again without pauses.',
    )
    this.name = 'StalledBodyError'
  }
}

/** A malformed request, which no route accepts; `message` is for the client. */
export class BadRequestError extends Error {
  readonly status: number

  constructor(message: string, status = 400) {
    super(message)
    this.name = 'BadRequestError'
    this.status = status
  }
}

/** A body that arrives in pieces of less than {@link MIN_PIECE_BYTES} on average. */
export class FragmentedBodyError extends BadRequestError {
  constructor() {
    super(
      `The request body arrives in thousands of pieces of less than ${MIN_PIECE_BYTES} bytes. Send it in larger chunks, of 8 KiB for example.`,
    )
    this.name = 'FragmentedBodyError'
  }
}

/** Time-out of the wait for a part of a budget; `message` is for the client. */
export class OverloadedError extends Error {
  constructor() {
    super(
      `The App Engine receives too many requests at the moment. Try again in ${RETRY_AFTER_SECONDS} seconds.`,
    )
    this.name = 'OverloadedError'
  }
}

/** The API answered a call of the edge with an error. */
export class ApiRefusal extends Error {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Buffer
  readonly requestId: string | undefined

  constructor(
    call: string,
    { status, headers, body, requestId }: Pick<ApiRefusal, 'status' | 'headers' | 'body' | 'requestId'>,
  ) {
    super(`${call} was answered ${status}`)
    this.name = 'ApiRefusal'
    this.status = status
    this.headers = headers
    this.body = body
    this.requestId = requestId
  }
}

/** API Gateway refused the edge's credentials or network. */
export class GatewayRefusal extends Error {
  readonly requestId: string | undefined

  constructor(kind: string, answer: IncomingMessage) {
    super(`the gateway refused the edge: ${kind}`)
    this.name = 'GatewayRefusal'
    this.requestId = requestIdOf(answer)
  }
}

/** Statuses for throttling, a missing integration or its time-out. */
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** API Gateway's own errors lack the contract's keys, without which the user interface breaks (http-api 8.5). */
const errorBodySchema = z.object({ errorCode: z.string(), message: z.string() })

/**
 * Reads a whole error response; API Gateway limits it to 10 MB.
 * @param call Method and route for the log, without secrets
 */
export async function refusalOf(call: string, answer: IncomingMessage): Promise<ApiRefusal> {
  return new ApiRefusal(call, {
    status: answer.statusCode ?? 502,
    headers: endToEndHeaders(answer.rawHeaders, []),
    body: await buffer(answer),
    requestId: requestIdOf(answer),
  })
}

/** Request id of the logs of API Gateway and the function: the headers of REST APIs and HTTP APIs differ. */
function requestIdOf({ headers }: IncomingMessage): string | undefined {
  const id = headers['x-amzn-requestid'] ?? headers['apigw-requestid']
  return typeof id === 'string' ? id : undefined
}

/** API Gateway's request id of a failure, if API Gateway answered. */
export function gatewayRequestIdOf(failure: unknown): string | undefined {
  if (failure instanceof ApiRefusal || failure instanceof GatewayRefusal) return failure.requestId
  return failure instanceof Error && failure.cause !== undefined
    ? gatewayRequestIdOf(failure.cause)
    : undefined
}

/** Whether a retry may succeed. */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof UnreachableError || (error instanceof ApiRefusal && TRANSIENT_STATUSES.has(error.status))
  )
}

/** Answers with the failure, unless a response has started or the client has disconnected. */
export function answerFailure(response: ServerResponse, error: unknown): void {
  if (response.destroyed || response.headersSent) return
  if (error instanceof ApiRefusal && isErrorBody(error.body)) {
    response.writeHead(error.status, [...error.headers]).end(error.body)
    return
  }
  const { status, headers, text } = errorAnswerOf(error)
  response.writeHead(status, headers)
  if (error instanceof FragmentedBodyError) {
    // Nothing more is read. Closing a connection with unread bytes would reset it, and the reset may overtake the
    // response.
    response.write(text)
    setTimeout(() => response.end(), CLOSE_DELAY_MS).unref()
  } else response.end(text)
}

/** Error response of the edge itself. */
export interface ErrorAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/** The contract's error body for a failure of the edge or of a request. */
export function errorAnswerOf(error: unknown): ErrorAnswer {
  const [status, body] = describeFailure(error)
  // A 403 has two keys only (http-api 3.1).
  const text = JSON.stringify(
    status === 403 ? { errorCode: body.errorCode, message: body.message } : explained(body),
  )
  const headers = {
    'content-length': String(Buffer.byteLength(text)),
    'content-type': 'application/json',
    ...(status === 503 && { 'retry-after': String(RETRY_AFTER_SECONDS) }),
    // No bytes are in flight on a stalled connection, so an early close cannot reset it.
    ...((error instanceof StalledBodyError || error instanceof BadRequestError) && { connection: 'close' }),
  }
  return { status, headers, text }
}

function describeFailure(error: unknown): [status: number, body: ErrorBody] {
  if (error instanceof DomainError) return [error.status, error.body]
  const { status, body } = new DomainError('INTERNAL_SERVER_ERROR', {
    type: 'server',
    exceptionMessage: null,
  })
  if (error instanceof BadRequestError) {
    return [error.status, { ...body, message: error.message, details: { type: 'empty' } }]
  }
  if (error instanceof StalledBodyError) return [408, { ...body, message: error.message }]
  if (error instanceof UnreachableError || error instanceof OverloadedError) {
    return [503, { ...body, message: error.message }]
  }
  if (error instanceof ApiRefusal) return describeFailure(new UnreachableError('API', error))
  return [status, body]
}

function isErrorBody(body: Buffer): boolean {
  try {
    return errorBodySchema.safeParse(JSON.parse(body.toString())).success
  } catch {
    return false
  }
}
