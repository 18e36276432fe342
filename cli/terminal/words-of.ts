import { DomainError } from '../../src/contract/errors.ts'
import { explainError, withoutTitle } from '../explain-error.ts'
import { fileWords } from './file-words.ts'

/** Text of an error for users; for errors of the service with their details. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!(error instanceof DomainError)) return systemWords(error)
  if (error.details.type === 'batch' && error.words !== undefined) return error.words.replaceAll('; "', '\n"')
  if (error.details.type === 'related') return error.details.description
  return error.details.type === 'parameter'
    ? (error.explanation ?? error.message)
    : withoutTitle(explainError(error.body))
}

function systemWords(error: Error): string {
  const { cause, message } = error
  // A host with several addresses, of which each failed.
  if (error instanceof AggregateError && message === '') return wordsOf(error.errors[0])
  // The cause of an interruption is its time limit.
  if (error.name === 'AbortError' && cause instanceof Error) return cause.message
  if (cause instanceof Error && isOfFetch(error)) return `${message} (${cause.message})`
  return fileWords(error) ?? message
}

/** `fetch` has the reason in the cause of its errors: of a call, or of a connection lost in a body. */
function isOfFetch({ message }: Error): boolean {
  return message === 'fetch failed' || message === 'terminated'
}
