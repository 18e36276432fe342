import type { ClientRequest, IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import { responseTo } from '../src/shared/http.ts'
import type { SignRequest } from '../src/signing/sign-request.ts'
import { wirePath } from '../src/signing/wire-path.ts'
import type { Connect, Outgoing } from './connections.ts'
import { ApiRefusal, refusalOf, UnreachableError } from './failures.ts'
import { withoutHeaders } from './headers.ts'
import { routeOf } from './log-path.ts'

/** A call that the edge makes on behalf of a client. */
export interface ApiCall {
  readonly method: string
  readonly path: string
  /** Headers of the client that are sent: name, value, name, value, … */
  readonly headers?: readonly string[]
  readonly body?: object
  readonly signal?: AbortSignal
}

/** Request to the API. Its path is appended to the API's own path. */
export interface ApiRequest extends Omit<Outgoing, 'server'> {
  /** The whole body, if known, for the signature. The caller sends it. */
  readonly body?: Uint8Array
}

/** Client of the API. */
export interface Api {
  /** A signed request cannot stream its body. */
  readonly isSigned: boolean
  /**
   * Signs a request and returns the function that starts it. The caller must add its error listener in the same tick.
   * @throws UnreachableError without credentials to sign with
   */
  prepare(request: ApiRequest): Promise<() => ClientRequest>
  /**
   * Returns the response with its body unread.
   * @throws UnreachableError without a response, ApiRefusal for a status of 400 or more
   */
  call(call: ApiCall): Promise<IncomingMessage>
  /** Reads the whole response as JSON; throws as {@link Api.call}. */
  callJson(call: ApiCall): Promise<unknown>
}

/** Time-out of a call. It exceeds API Gateway's integration time-out of 29 s, whose quota can be raised. */
const TIMEOUT_MS = 120_000

/**
 * @param url Base URL of the API, without the service's own prefix and version.
 * @param sign Undefined where the API needs no credentials.
 */
export function createApi(url: URL, connect: Connect, sign?: SignRequest): Api {
  const basePath = url.pathname.replace(/\/+$/u, '')
  const prepare: Api['prepare'] = async ({ body, ...request }) => {
    const { method, path, headers } = request
    if (sign === undefined) return () => connect({ ...request, server: url, path: basePath + path })
    // Normalized before the base path is added, so that dot segments cannot leave it.
    const toSign = { method, host: url.host, path: basePath + wirePath(path), ...(body && { body }) }
    const signed = await sign(toSign).catch((error: unknown) => {
      throw new UnreachableError('API', error)
    })
    const signature = Object.entries(signed.headers).flat()
    const unsigned = withoutHeaders(headers, isOfSignature)
    return () => connect({ ...request, server: url, path: signed.path, headers: [...unsigned, ...signature] })
  }

  async function call({ method, path, headers = [], body, signal }: ApiCall): Promise<IncomingMessage> {
    const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body))
    const typed = body === undefined ? [] : ['content-type', 'application/json']
    try {
      const begin = await prepare({
        method,
        path,
        headers: [...headers, ...typed, 'content-length', String(bytes.length)],
        body: bytes,
        ...(signal === undefined ? {} : { signal }),
      })
      const outgoing = begin()
      outgoing.setTimeout(TIMEOUT_MS, () => outgoing.destroy(new Error('the API does not answer')))
      const answer = await responseTo(outgoing.end(bytes))
      if ((answer.statusCode ?? 502) < 400) return answer
      throw await refusalOf(`${method} ${routeOf(path)}`, answer)
    } catch (error) {
      throw asFailure(error, signal)
    }
  }

  return {
    isSigned: sign !== undefined,
    prepare,
    call,
    async callJson(request) {
      const answer = await call(request)
      try {
        return await json(answer)
      } catch (error) {
        throw asFailure(error, request.signal)
      }
    },
  }
}

function asFailure(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  return error instanceof ApiRefusal || error instanceof UnreachableError
    ? error
    : new UnreachableError('API', error)
}

/** Whether a header belongs to a signature. API Gateway would verify the client's together with the edge's. */
function isOfSignature(name: string): boolean {
  return name === 'authorization' || name.startsWith('x-amz-')
}
