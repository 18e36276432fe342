import { DomainError } from '../../src/contract/errors.ts'
import { explainError, withoutTitle } from '../explain-error.ts'
import { fileWords } from './file-words.ts'

/** Text of an error for users; for errors of the service with their details. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!(error instanceof DomainError)) {
    return error.cause instanceof Error && isOfFetch(error)
      ? `${error.message} (${error.cause.message})`
      : (fileWords(error) ?? error.message)
  }
  if (error.details.type === 'batch' && error.words !== undefined) return error.words.replaceAll('; "', '\n"')
  if (error.details.type === 'related') return error.details.description
  return error.details.type === 'parameter'
    ? (error.explanation ?? error.message)
    : withoutTitle(explainError(error.body))
}

/** `fetch` has the reason in the cause of its errors: of a call, or of a connection lost in a body. */
function isOfFetch({ message }: Error): boolean {
  return message === 'fetch failed' || message === 'terminated'
}
