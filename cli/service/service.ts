import type * as z from 'zod'
import { fetchWith } from '../api-auth.ts'
import { explainError, isWebPage, shownBody, withoutTitle } from '../explain-error.ts'
import { CommandError, usageError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { wordsOf } from '../terminal/words-of.ts'
import {
  type Download,
  foreignAnswer,
  hasBody,
  hasWebPage,
  parseAnswer,
  ServiceLostError,
  withLossExplained,
} from './answer.ts'
import { createRepeatingFetch, either, newKey } from './repeating-fetch.ts'

/** Address of the service, and how it is called. */
export interface ServiceOptions {
  /** Base URL, with or without a slash at its end. */
  readonly url: string
  /** `none` or `iam`. */
  readonly auth: string
  /** Pauses between the attempts of one call. */
  readonly pausesMs?: readonly number[]
}

/** A request to the service. */
export interface ServiceRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** JSON, or a form. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Whether a POST may be repeated if its response is lost. It gets an idempotency key, by which an operation that creates something
   * recognises a repetition. Other operations ignore the key.
   */
  readonly isRepeatable?: boolean
  /** Ends the call and the transfer of its response. */
  readonly signal?: AbortSignal
}

/** Calls the service, with retries where they are safe. */
export interface Service {
  readonly url: string
  /** Options with which another command calls the same service. */
  readonly options: string
  /** Aborted when all calls are to end; see {@link stoppable}. */
  readonly signal?: AbortSignal
  /** Sends requests that {@link call} cannot express; signs if `auth` is `iam`, and does not retry. */
  readonly fetch: typeof fetch
  /**
   * @param path relative to the base URL
   * @returns the response, the reading of whose body rejects with a {@link ServiceLostError} if the connection is lost
   * @throws ServiceLostError without a response, ServiceRefusal after a refusal, ForeignAnswerError for a web page
   */
  call(path: string, request?: ServiceRequest): Promise<Response>
  /** Calls, and parses the response as JSON. @throws ForeignAnswerError */
  json<Value>(path: string, schema: z.ZodType<Value>, request?: ServiceRequest): Promise<Value>
  /** Calls, and returns the response with its body. @throws ForeignAnswerError for an empty response */
  download(path: string): Promise<Download>
}

/** A refusal, with the service's message. */
export class ServiceRefusal extends CommandError {
  readonly status: number

  constructor(message: string, status: number) {
    super(message, EXIT.failed)
    this.status = status
  }
}

/** The service's message for an unknown path. */
const NO_SUCH_PATH = 'no such path'

/** @throws AuthError */
export async function openService({ url, auth, pausesMs }: ServiceOptions): Promise<Service> {
  const base = url.endsWith('/') ? url : `${url}/`
  if (!URL.canParse(base) || !/^https?:/u.test(base)) {
    throw usageError(
      `"${withoutPassword(url)}" is not the base URL of a service; expected one such as http://127.0.0.1:8080/app-engine/v1/`,
    )
  }
  const { username, password } = new URL(base)
  if (username !== '' || password !== '') {
    throw usageError(
      `"${withoutPassword(url)}" contains a user name or a password, which the service does not take; use --auth iam, or the URL without them`,
    )
  }
  const callApi = await fetchWith(auth, base)
  const callAgain = createRepeatingFetch(callApi, pausesMs)
  async function call(
    path: string,
    { method = 'GET', body, headers, isRepeatable = false, signal }: ServiceRequest = {},
  ): Promise<Response> {
    const isForm = body instanceof FormData
    const answer = await callAgain(new URL(path, base), {
      method,
      ...(signal && { signal }),
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
      headers: {
        ...headers,
        ...(isRepeatable && newKey()),
        ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
      },
    }).catch((error: unknown) => {
      signal?.throwIfAborted()
      throw new ServiceLostError(
        `nothing answers at ${base}: ${wordsOf(error)}; start the service, or give the URL of another with --url`,
        EXIT.unavailable,
        { cause: error },
      )
    })
    const explained = withLossExplained(answer, base, signal)
    if (!answer.ok) throw refusalOf({ base, path, status: answer.status, text: await explained.text() })
    if (hasWebPage(answer)) throw foreignAnswer({ base, path }, shownBody(await explained.text()))
    return explained
  }
  return {
    url: base,
    options: `--url ${shellWord(base)}${auth === 'none' ? '' : ` --auth ${auth}`}`,
    fetch: callApi,
    ...readersOf(base, call),
  }
}

/** URL to be shown, with dots in place of a user name and a password. */
function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/]*@/u, '//…@')
}

/** The methods that read the bodies of responses. */
function readersOf(base: string, call: Service['call']): Pick<Service, 'call' | 'json' | 'download'> {
  return {
    call,
    json: async (path, schema, request) =>
      parseAnswer(schema, await (await call(path, request)).text(), { base, path }),
    async download(path) {
      const answer = await call(path)
      if (hasBody(answer)) return answer
      throw foreignAnswer({ base, path }, 'an empty response')
    },
  }
}

/** The same service, whose calls end when the signal is aborted. They then reject with the signal's reason. */
export function stoppable(service: Service, signal: AbortSignal): Service {
  const call: Service['call'] = (path, request) => service.call(path, { ...request, signal })
  return {
    ...service,
    signal,
    fetch: (target, init = {}) => service.fetch(target, { ...init, signal: either(signal, init.signal) }),
    ...readersOf(service.url, call),
  }
}

/** Statuses with a web page by which another program answers. With other statuses, a proxy may refuse a call of the service. */
const PAGES_OF_OTHERS: readonly number[] = [401, 404, 405]

interface RefusedCall {
  readonly base: string
  readonly path: string
  readonly status: number
  readonly text: string
}

/** Error for a refused call: the message of the service, with advice where it has none. */
function refusalOf({ base, path, status, text }: RefusedCall): CommandError {
  if (isWebPage(text) && status < 500) {
    if (PAGES_OF_OTHERS.includes(status))
      return foreignAnswer({ base, path }, `${status} and ${shownBody(text)}`)
    return new ServiceRefusal(`${base} answered ${status}: ${shownBody(text)}`, status)
  }
  const words = withoutTitle(explainError(text))
  if (status === 404 && words === NO_SUCH_PATH) {
    return usageError(`${base} is not the base URL of the service, which ends in /app-engine/v1/`)
  }
  const task = /^tasks\/(?<name>[^/]+\/[^/]+)/u.exec(path)?.groups?.name
  if (status === 404 && task !== undefined && words.startsWith('Task not found')) {
    return new ServiceRefusal(
      `the service has no task ${task}; "cytomine-task tasks" lists its tasks`,
      status,
    )
  }
  if (status >= 500) {
    return new CommandError(`${base} answered ${status}: ${words}; try again later`, EXIT.unavailable)
  }
  return new ServiceRefusal(words, status)
}

/** Deletes the resource at a path. A 404 is a success: an earlier attempt of this call may have deleted it. */
export async function removeAt(service: Service, path: string): Promise<void> {
  try {
    await service.call(path, { method: 'DELETE' })
  } catch (error) {
    if (!(error instanceof ServiceRefusal) || error.status !== 404) throw error
  }
}
