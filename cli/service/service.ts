import { fetchWith } from '../api-auth.ts'
import { explainError, withoutTitle } from '../explain-error.ts'
import { CommandError, usageError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { wordsOf } from '../terminal/words-of.ts'
import { createRepeatingFetch, newKey } from './repeating-fetch.ts'

/** Where the service is, and how it is called. */
export interface ServiceOptions {
  /** Base URL, with or without a slash at its end. */
  readonly url: string
  /** `none` or `iam`. */
  readonly auth: string
  /** Between the attempts of one call. */
  readonly pausesMs?: readonly number[]
}

/** A request to the service. */
export interface ServiceRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** JSON, or a form. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Whether a POST may be repeated when its answer is lost: it carries an idempotency key, by which an operation that creates something
   * recognises the repetition. Other operations ignore the key.
   */
  readonly isRepeatable?: boolean
}

/** Calls the service, again where that is safe and the connection was lost or the service is away for the moment. */
export interface Service {
  readonly url: string
  /** For requests that this interface has no words for; signs where the service asks for it. */
  readonly fetch: typeof fetch
  /**
   * @param path relative to the base URL
   * @throws CommandError when nothing answers, ServiceRefusal when the service refuses
   */
  call(path: string, request?: ServiceRequest): Promise<Response>
  /** The answer as JSON. */
  json(path: string, request?: ServiceRequest): Promise<unknown>
}

/** The service has refused: its words. */
export class ServiceRefusal extends CommandError {
  readonly status: number

  constructor(message: string, status: number) {
    super(message, EXIT.failed)
    this.status = status
  }
}

/** Nothing answers at the address, or no longer. */
export class ServiceLostError extends CommandError {}

/** Words for a path that the service does not know. */
const NO_SUCH_PATH = 'no such path'

/** @throws AuthError */
export async function openService({ url, auth, pausesMs }: ServiceOptions): Promise<Service> {
  const base = url.endsWith('/') ? url : `${url}/`
  if (!URL.canParse(base) || !/^https?:/u.test(base)) {
    throw usageError(
      `"${url}" is no address of a service; expected one such as http://127.0.0.1:8080/app-engine/v1/`,
    )
  }
  const callApi = await fetchWith(auth, base)
  const callAgain = createRepeatingFetch(callApi, pausesMs)
  async function call(
    path: string,
    { method = 'GET', body, headers, isRepeatable = false }: ServiceRequest = {},
  ): Promise<Response> {
    const isForm = body instanceof FormData
    const answer = await callAgain(new URL(path, base), {
      method,
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
      headers: {
        ...headers,
        ...(isRepeatable && newKey()),
        ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
      },
    }).catch((error: unknown) => {
      throw new ServiceLostError(
        `nothing answers at ${base}: ${wordsOf(error)}; start the service, or name another with --url`,
        EXIT.unavailable,
        { cause: error },
      )
    })
    if (answer.ok) return answer
    throw refusalOf({ base, path, status: answer.status, text: await answer.text() })
  }
  return {
    url: base,
    fetch: callApi,
    call,
    json: async (path, request) => (await call(path, request)).json(),
  }
}

interface RefusedCall {
  readonly base: string
  readonly path: string
  readonly status: number
  readonly text: string
}

/** Error for a refused call: the message of the service, and a remedy where it contains none. */
function refusalOf({ base, path, status, text }: RefusedCall): CommandError {
  const words = withoutTitle(explainError(text))
  if (status === 404 && words === NO_SUCH_PATH) {
    return usageError(`${base} is not the base URL of the service, which ends in /app-engine/v1/`)
  }
  const task = /^tasks\/(?<name>[^/]+\/[^/]+)/u.exec(path)?.groups?.name
  if (status === 404 && task !== undefined && words.startsWith('Task not found')) {
    return new ServiceRefusal(
      `there is no task ${task} in the service; "cytomine-task tasks" lists those that it has`,
      status,
    )
  }
  if (status >= 500) {
    return new CommandError(`${base} answered ${status}: ${words}; try again later`, EXIT.unavailable)
  }
  return new ServiceRefusal(words, status)
}

/** Deletes what a path names. A repetition finds nothing any more where the first call had its effect. */
export async function removeAt(service: Service, path: string): Promise<void> {
  try {
    await service.call(path, { method: 'DELETE' })
  } catch (error) {
    if (!(error instanceof ServiceRefusal) || error.status !== 404) throw error
  }
}
