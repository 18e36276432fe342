import { type DomainError, parameterError } from '../../contract/errors.ts'
import { printable } from '../../contract/quoted.ts'
import { counted } from './shown.ts'

/** Items whose problem is explained; the others are listed by index, up to {@link MAX_NAMED}. */
const MAX_EXPLAINED = 10
const MAX_NAMED = 100

/** Longest index path in a message. */
const MAX_PATH_LENGTH = 80

/** Checks stop after this number of problems: each takes about 10 µs, and a call to the API must end within 29 s. */
const MAX_COUNTED = 100_000

/** Collects the problems of an array's items, to report them together. Memory: those that are listed. */
export class ItemProblems {
  readonly #parameterName: string
  readonly #explained: DomainError[] = []
  readonly #named: string[] = []
  #count = 0

  constructor(parameterName: string) {
    this.#parameterName = parameterName
  }

  /**
   * @param path index path of the item, or of a level with a trailing slash; '' for the array itself
   * @throws DomainError when there are too many
   */
  add(path: string, error: DomainError): void {
    this.#count += 1
    if (this.#count === MAX_COUNTED) this.throwAny()
    if (this.#count > MAX_NAMED) return
    const item = path.replaceAll(/^\/|\/$/gu, '')
    if (this.#explained.length < MAX_EXPLAINED) this.#explained.push(atItem(error, this.#parameterName, item))
    else this.#named.push(printable(item, MAX_PATH_LENGTH))
  }

  /**
   * Throws one error for all problems, if there are any.
   * @throws DomainError of the first problem's kind
   */
  throwAny(): void {
    const [first] = this.#explained
    if (first === undefined) return
    if (this.#count === 1) throw first
    const explained = this.#explained.map(
      ({ item = '', words, message }) => `Item ${item}: ${words ?? message}.`,
    )
    const named = this.#named.length === 0 ? '' : ` Also items ${this.#named.join(', ')}`
    const rest = this.#count > MAX_NAMED ? `, … (the first ${MAX_NAMED} are listed)` : ''
    const more = this.#count === MAX_COUNTED ? ' or more' : ''
    const words = `${counted(this.#count, 'item')}${more} are invalid. ${explained.join(' ')}${named}${rest}`
    const { isMessageOurs, error } = first
    throw parameterError(error, this.#parameterName, words, { isMessageOurs })
  }
}

/** Copy of an error that names the item. */
export function atItem(error: DomainError, parameterName: string, item: string): DomainError {
  const { words = error.message, isMessageOurs } = error
  return parameterError(error.error, parameterName, words, { item, isMessageOurs, cause: error.cause })
}

/** Compares names, since each function bundles its own copy of the class. */
export function isDomainError(error: unknown): error is DomainError {
  return error instanceof Error && error.name === 'DomainError'
}
