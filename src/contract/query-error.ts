import { DomainError } from './errors.ts'
import { quoted } from './quoted.ts'

/** Error for a value of the query. */
export function queryError(name: string, value: string, expected: string): DomainError {
  return new DomainError('QUERY_INVALID', undefined, { words: `${name} ${quoted(value, 60)}: ${expected}` })
}
