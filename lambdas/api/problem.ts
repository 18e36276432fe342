import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { logger } from '../../src/aws/observability.ts'
import { DomainError, type ErrorBody, explained } from '../../src/contract/errors.ts'
import { printableLines } from '../../src/contract/quoted.ts'
import { ImportRefusedError } from '../../src/import/wait-for-import.ts'
import { requestIdOf } from './request-context.ts'

/** Converts every error to a status and a body (contract http-api 3). */
export function answerError(context: Context, error: unknown): Response {
  if (error instanceof ImportRefusedError) {
    const { status, ...body } = error.refusal
    return answer(context, status, body)
  }
  if (error instanceof DomainError) return answer(context, error.status, error.body)
  const requestId = requestIdOf(context)
  // The path is not logged, because it may contain the secret of a run; the entry has route and ids.
  logger.error('request failed', { requestId, error: error as Error })
  const hidden = new DomainError('INTERNAL_SERVER_ERROR', {
    type: 'server',
    exceptionMessage: `request ${requestId}`,
  })
  return answer(context, hidden.status, hidden.body)
}

function answer(context: Context, status: number, body: ErrorBody): Response {
  const plain = withPrintableText(body)
  // A 403 has two keys (http-api 3.1), unless it has an explanation because its message is fixed.
  const { errorCode, message, explanation } = plain
  const shown = status === 403 && explanation === undefined ? { errorCode, message } : explained(plain)
  return context.json(shown, status as ContentfulStatusCode)
}

/** Escapes control characters: messages repeat untrusted names and values, and may be printed on a terminal. */
function withPrintableText(body: ErrorBody): ErrorBody {
  const { details } = body
  return {
    ...body,
    message: printableLines(body.message),
    ...(details.type === 'related' && {
      details: { ...details, description: printableLines(details.description) },
    }),
    ...(details.type === 'batch' && {
      details: { ...details, errors: details.errors.map(withPrintableText) },
    }),
  }
}
