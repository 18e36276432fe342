import { DomainError } from '../../src/contract/errors.ts'
import { explainError, withoutTitle } from '../explain-error.ts'

/** What an error says to people: of the service's errors the words in the details too. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!(error instanceof DomainError)) {
    // fetch hides the reason in the cause.
    return error.cause instanceof Error && error.message === 'fetch failed'
      ? `${error.message} (${error.cause.message})`
      : error.message
  }
  if (error.details.type === 'batch' && error.words !== undefined) return error.words.replaceAll('; "', '\n"')
  if (error.details.type === 'related') return error.details.description
  return error.details.type === 'parameter'
    ? (error.explanation ?? error.message)
    : withoutTitle(explainError(error.body))
}
