import type * as z from 'zod'
import { shownBody } from '../explain-error.ts'
import { CommandError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { wordsOf } from '../terminal/words-of.ts'

/** No response from the service, or a connection that was lost before its end. */
export class ServiceLostError extends CommandError {}

/** A response that the service cannot have sent: another program answers at the URL, such as a proxy with a login page. */
export class ForeignAnswerError extends CommandError {}

/** A call, to be named in messages. */
export interface AnsweredCall {
  /** Base URL. */
  readonly base: string
  readonly path: string
}

export function foreignAnswer({ base, path }: AnsweredCall, found: string): ForeignAnswerError {
  return new ForeignAnswerError(
    `${base} is not the base URL of the service, which ends in /app-engine/v1/: ${path} was answered with ${found}`,
    EXIT.usage,
  )
}

/**
 * Parses a response as JSON.
 * @throws ForeignAnswerError
 */
export function parseAnswer<Value>(schema: z.ZodType<Value>, text: string, call: AnsweredCall): Value {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw foreignAnswer(call, text.trim() === '' ? 'an empty response' : shownBody(text))
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const place = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
  throw new ForeignAnswerError(
    `${call.path} of ${call.base} was answered with other JSON than expected (${place}${issue?.message}); ` +
      'another program answers at this URL, or a service of another version',
    EXIT.usage,
  )
}

/** Whether a response has a web page as its body. No route that this program calls returns one. */
export function hasWebPage({ headers }: Response): boolean {
  return headers.get('content-type')?.toLowerCase().startsWith('text/html') === true
}

/** The response with a body whose reading rejects with a {@link ServiceLostError}, or with the signal's reason. */
export function withLossExplained(answer: Response, base: string, signal?: AbortSignal): Response {
  const { body, status, headers } = answer
  if (body === null) return answer
  return new Response(ReadableStream.from(explainLoss(body, base, signal)), { status, headers })
}

async function* explainLoss(
  body: AsyncIterable<Uint8Array>,
  base: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    signal?.throwIfAborted()
    throw new ServiceLostError(
      `the connection to ${base} was lost during a response: ${wordsOf(error)}; run the command again`,
      EXIT.unavailable,
      { cause: error },
    )
  }
}

/** A response that has a body. */
export type Download = Response & { readonly body: NonNullable<Response['body']> }

export function hasBody(answer: Response): answer is Download {
  return answer.body !== null && answer.status !== 204
}
