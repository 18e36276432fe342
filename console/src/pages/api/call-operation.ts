import { CONSOLE_HEADER } from '../../../../src/contract/console.ts'
import { BASE } from '../../api/client.ts'
import type { Operation } from './document.ts'

export const JSON_TYPE = 'application/json'

export interface CallRequest {
  readonly operation: Operation
  /** Values of the parameters by name. */
  readonly values: Readonly<Record<string, string>>
  /** A text is sent as JSON. */
  readonly body: string | FormData | undefined
}

export interface Answer {
  readonly status: number
  /** Time until the end of the response, or until the latest event of a stream. */
  readonly milliseconds: number
  readonly type: string
  /** Number of characters that were received. */
  readonly size: number
  /** At most {@link MAX_SHOWN} characters, and "…" in place of the others. */
  readonly text: string
}

/** Maximum number of characters of a response that are shown. */
const MAX_SHOWN = 20_000

/** Reports a response. A stream of events is reported again after each part. */
type Report = (answer: Answer) => void

/**
 * Calls the operation; a refusal is reported like any other response.
 * @throws TypeError when the service does not answer; the reason of `signal` when that is aborted
 */
export async function callOperation(
  request: CallRequest,
  signal: AbortSignal,
  report: Report,
): Promise<void> {
  const { operation, body } = request
  const begun = performance.now()
  const response = await fetch(addressOf(request), {
    method: operation.method,
    headers: headersOf(request),
    signal,
    ...(body === undefined ? {} : { body }),
  })
  const type = response.headers.get('content-type') ?? ''
  const show = (size: number, text: string): void =>
    report({ status: response.status, milliseconds: performance.now() - begun, type, size, text })
  // A stream of events does not end, so its text cannot be awaited.
  if (type.startsWith('text/event-stream') && response.body !== null) return readEvents(response.body, show)
  const text = await response.text()
  const shown = type.includes('json') ? pretty(text) : text
  show(text.length, shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown)
}

/** Reports the newest characters after each part: the first events are the states of all runs, which may be long. */
async function readEvents(
  body: ReadableStream<Uint8Array>,
  show: (size: number, text: string) => void,
): Promise<void> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let newest = ''
  let size = 0
  show(size, newest)
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const text = decoder.decode(part.value, { stream: true })
    size += text.length
    newest = `${newest}${text}`.slice(-MAX_SHOWN)
    show(size, size > MAX_SHOWN ? `…${newest}` : newest)
  }
}

function addressOf({ operation: { path, parameters = [] }, values }: CallRequest): URL {
  const query = new URLSearchParams()
  let filled = path
  for (const { name, in: place } of parameters) {
    const value = values[name] ?? ''
    if (place === 'path') filled = filled.replace(`{${name}}`, encodeURIComponent(value))
    else if (value !== '' && place === 'query') query.set(name, value)
  }
  return new URL(`${filled.slice(1)}${query.size === 0 ? '' : `?${query}`}`, BASE)
}

function headersOf({
  operation: { method, parameters = [] },
  values,
  body,
}: CallRequest): Record<string, string> {
  const headers: Record<string, string> = method === 'GET' ? {} : { [CONSOLE_HEADER]: 'page' }
  for (const { name, in: place } of parameters) {
    const value = values[name] ?? ''
    if (value !== '' && place === 'header') headers[name] = value
  }
  // The browser sets the type of a form, which has a boundary.
  if (typeof body === 'string') headers['content-type'] = JSON_TYPE
  return headers
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
