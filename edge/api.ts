import type { ClientRequest, IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import { answerTo, type Connect, type Outgoing } from './connections.ts'
import { ApiRefusal, refusalOf, UnreachableError } from './failures.ts'

/** A call that the edge makes for its client. */
export interface ApiCall {
  readonly method: string
  readonly path: string
  /** Headers of the client to go with it, name and value in turns. */
  readonly headers?: readonly string[]
  readonly body?: object
  readonly signal?: AbortSignal
}

/** The API, from the edge's side. */
export interface Api {
  /** Begins a request; the path is appended to the API's own. */
  open(outgoing: Omit<Outgoing, 'server'>): ClientRequest
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

/** @param url Base URL of the API, without the service's own prefix and version. */
export function createApi(url: URL, connect: Connect): Api {
  const basePath = url.pathname.replace(/\/+$/u, '')
  const open: Api['open'] = (outgoing) =>
    connect({ ...outgoing, server: url, path: basePath + outgoing.path })

  async function call({ method, path, headers = [], body, signal }: ApiCall): Promise<IncomingMessage> {
    const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body))
    const typed = body === undefined ? [] : ['content-type', 'application/json']
    const outgoing = open({
      method,
      path,
      headers: [...headers, ...typed, 'content-length', String(bytes.length)],
      ...(signal === undefined ? {} : { signal }),
    })
    outgoing.setTimeout(TIMEOUT_MS, () => outgoing.destroy(new Error('the API does not answer')))
    try {
      const answer = await answerTo(outgoing.end(bytes))
      if ((answer.statusCode ?? 502) < 400) return answer
      throw await refusalOf(`${method} ${path}`, answer)
    } catch (error) {
      throw asFailure(error, signal)
    }
  }

  return {
    open,
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
  return error instanceof ApiRefusal ? error : new UnreachableError('API', error)
}
