import { fetchWith } from '../api-auth.ts'
import { explainError, withoutTitle } from '../explain-error.ts'
import { CommandError, usageError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { wordsOf } from '../terminal/words-of.ts'

/** Where the service is, and how it is called. */
export interface ServiceOptions {
  /** Base URL, with or without a slash at its end. */
  readonly url: string
  /** `none` or `iam`. */
  readonly auth: string
}

/** A request to the service. */
export interface ServiceRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** JSON, or a form. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Calls the service. */
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

/** Words for a path that the service does not know. */
const NO_SUCH_PATH = 'no such path'

/** Until the head of an answer: API Gateway gives up after 29 s. A body may take hours, and fails when nothing comes for 300 s. */
const CALL_TIMEOUT_MS = 60_000

/** @throws AuthError */
export async function openService({ url, auth }: ServiceOptions): Promise<Service> {
  const base = url.endsWith('/') ? url : `${url}/`
  if (!URL.canParse(base) || !/^https?:/u.test(base)) {
    throw new CommandError(
      `"${url}" is no address of a service; expected one such as http://127.0.0.1:8080/app-engine/v1/`,
      EXIT.usage,
    )
  }
  const callApi = await fetchWith(auth, base)
  async function call(
    path: string,
    { method = 'GET', body, headers }: ServiceRequest = {},
  ): Promise<Response> {
    const isForm = body instanceof FormData
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(new Error('no answer came in time')), CALL_TIMEOUT_MS)
    const answer = await callApi(new URL(path, base), {
      method,
      signal: controller.signal,
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
      headers: { ...headers, ...(body !== undefined && !isForm && { 'content-type': 'application/json' }) },
    })
      .catch((error: unknown) => {
        throw new CommandError(
          `nothing answers at ${base}: ${wordsOf(error)}; start the service, or name another with --url`,
          EXIT.unavailable,
          { cause: error },
        )
      })
      .finally(() => clearTimeout(timer))
    if (answer.ok) return answer
    const words = withoutTitle(explainError(await answer.text()))
    if (answer.status === 404 && words === NO_SUCH_PATH) {
      throw usageError(`${base} is not the base URL of the service, which ends in /app-engine/v1/`)
    }
    const task = /^tasks\/(?<name>[^/]+\/[^/]+)/u.exec(path)?.groups?.name
    if (answer.status === 404 && task !== undefined && words.startsWith('Task not found')) {
      throw new ServiceRefusal(
        `there is no task ${task} in the service; "cytomine-task tasks" lists those that it has`,
        answer.status,
      )
    }
    if (answer.status >= 500) {
      throw new CommandError(`${base} answered ${answer.status}: ${words}; try again later`, EXIT.unavailable)
    }
    throw new ServiceRefusal(words, answer.status)
  }
  return {
    url: base,
    fetch: callApi,
    call,
    json: async (path, request) => (await call(path, request)).json(),
  }
}
