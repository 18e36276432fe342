import type { ClientRequest, IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import type { SignRequest } from '../src/signing/sign-request.ts'
import { wirePath } from '../src/signing/wire-path.ts'
import { answerTo, type Connect, type Outgoing } from './connections.ts'
import { ApiRefusal, refusalOf, UnreachableError } from './failures.ts'
import { withoutHeaders } from './headers.ts'
import { routeOf } from './routes.ts'

/** A call that the edge makes for its client. */
export interface ApiCall {
  readonly method: string
  readonly path: string
  /** Headers of the client to go with it, name and value in turns. */
  readonly headers?: readonly string[]
  readonly body?: object
  readonly signal?: AbortSignal
}

/** A request to the API; the path is appended to the API's own. */
export interface ApiRequest extends Omit<Outgoing, 'server'> {
  /** The body where it is known already, which it must be to be signed. Sending it is the caller's in any case. */
  readonly body?: Uint8Array
}

/** The API, from the edge's side. */
export interface Api {
  /** Whether requests are signed: their bodies cannot be streamed then. */
  readonly isSigned: boolean
  /**
   * Makes a request ready and gives what begins it: nobody but the caller, at that moment, would hear of its first errors.
   * @throws UnreachableError when there are no credentials to sign it with
   */
  prepare(request: ApiRequest): Promise<() => ClientRequest>
  /**
   * The answer, with its body still to be read.
   * @throws UnreachableError without an answer, ApiRefusal when it is an error.
   */
  call(call: ApiCall): Promise<IncomingMessage>
  /** The same for an answer that is read whole. */
  callJson(call: ApiCall): Promise<unknown>
}

/** Longer than API Gateway lets any call take (29 s, or what its quota was raised to). */
const TIMEOUT_MS = 120_000

/**
 * @param url Base URL of the API, without the service's own prefix and version.
 * @param sign Left out where the API asks nobody for credentials.
 */
export function createApi(url: URL, connect: Connect, sign?: SignRequest): Api {
  const basePath = url.pathname.replace(/\/+$/u, '')
  const prepare: Api['prepare'] = async ({ body, ...request }) => {
    const { method, path, headers } = request
    if (sign === undefined) return () => connect({ ...request, server: url, path: basePath + path })
    // Spelt before the base path is put in front, which dot segments could climb over.
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
      const answer = await answerTo(outgoing.end(bytes))
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

/** Headers of a signature: a client's own would be verified together with ours. */
function isOfSignature(name: string): boolean {
  return name === 'authorization' || name.startsWith('x-amz-')
}
