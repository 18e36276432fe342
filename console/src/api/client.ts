import { CONSOLE_HEADER } from '../../../src/contract/console.ts'
import type { ErrorBody } from './types.ts'

/** Base URL of the API; the page is at `ui/` below it. */
export const BASE = new URL('../', location.href.replace(/[?#].*$/su, ''))

/** Header that marks requests of this page: a stage with a read-only console refuses its changes. */
const MARK = { [CONSOLE_HEADER]: 'page' }

/** A refusal or failure of the service; its message is for users. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly body: ErrorBody | undefined

  constructor(status: number, body: ErrorBody | undefined) {
    super(body?.message ?? `The service answered with status ${status}.`)
    this.status = status
    this.body = body
  }
}

/** Whether the service answered that the requested item does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404
}

interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Sent as JSON. */
  readonly json?: unknown
  readonly form?: FormData
  readonly signal?: AbortSignal | undefined
  readonly headers?: Readonly<Record<string, string>>
}

/** @throws ApiError; TypeError when the service does not answer */
export async function call(
  path: string,
  { method = 'GET', json, form, signal, headers }: Call = {},
): Promise<Response> {
  // No custom header on GET: with one, a redirect to the bucket would need a CORS preflight.
  const own = method === 'GET' ? {} : MARK
  const typed = json === undefined ? {} : { 'content-type': 'application/json' }
  const body = json === undefined ? form : JSON.stringify(json)
  const answer = await fetch(new URL(path, BASE), {
    method,
    headers: { ...own, ...typed, ...headers },
    credentials: 'same-origin',
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  })
  if (answer.ok) return answer
  throw new ApiError(answer.status, parseError(await answer.text()))
}

export async function getJson<Value>(path: string, signal?: AbortSignal): Promise<Value> {
  return (await (await call(path, { signal })).json()) as Value
}

export async function send<Value>(
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  json?: unknown,
): Promise<Value> {
  const text = await (await call(path, { method, json })).text()
  return (text === '' ? undefined : JSON.parse(text)) as Value
}

function parseError(text: string): ErrorBody | undefined {
  try {
    const body = JSON.parse(text) as Partial<ErrorBody> | null
    return typeof body?.message === 'string' ? (body as ErrorBody) : undefined
  } catch {
    return undefined
  }
}
