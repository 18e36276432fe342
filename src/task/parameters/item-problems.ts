import { type DomainError, parameterError } from '../../contract/errors.ts'
import { printable } from '../../contract/quoted.ts'
import { counted } from './shown.ts'

/** Items whose problem is explained; of the others the first hundred are named. */
const MAX_TOLD = 10
const MAX_NAMED = 100

/** Paths of deep arrays are cut. */
const MAX_PATH_LENGTH = 80

/** Checking stops after so many problems. */
const MAX_COUNTED = 10_000

/** Collects the problems of an array's items, to report them together. */
export class ItemProblems {
  readonly #parameterName: string
  readonly #told: DomainError[] = []
  readonly #named: string[] = []
  #count = 0

  constructor(parameterName: string) {
    this.#parameterName = parameterName
  }

  /**
   * @param path index path of the item, or of a level with a slash behind it; '' for the array itself
   * @throws DomainError when there are too many
   */
  add(path: string, error: DomainError): void {
    this.#count += 1
    const item = path.replaceAll(/^\/|\/$/gu, '')
    if (this.#told.length < MAX_TOLD) this.#told.push(atItem(error, this.#parameterName, item))
    else if (this.#named.length < MAX_NAMED - MAX_TOLD) this.#named.push(printable(item, MAX_PATH_LENGTH))
    if (this.#count === MAX_COUNTED) this.throwAny()
  }

  /**
   * Does nothing without problems.
   * @throws DomainError of the first problem's kind, with all problems
   */
  throwAny(): void {
    const [first] = this.#told
    if (first === undefined) return
    if (this.#count === 1) throw first
    const more = this.#count === MAX_COUNTED ? ' or more' : ''
    const told = this.#told.map(({ item = '', words, message }) => `Item ${item}: ${words ?? message}.`)
    const named = this.#named.length === 0 ? '' : ` Also items ${this.#named.join(', ')}`
    const rest = this.#count > MAX_NAMED ? `, … (the first ${MAX_NAMED} are named)` : ''
    const words = `${counted(this.#count, 'item')}${more} are wrong. ${told.join(' ')}${named}${rest}`
    const { isMessageOurs, error } = first
    throw parameterError(error, this.#parameterName, words, { isMessageOurs })
  }
}

/** Copy of an error that names the item. */
export function atItem(error: DomainError, parameterName: string, item: string): DomainError {
  const { words = error.message, isMessageOurs } = error
  return parameterError(error.error, parameterName, words, { item, isMessageOurs, cause: error.cause })
}

/** By name, since functions are bundled apart. */
export function isDomainError(error: unknown): error is DomainError {
  return error instanceof Error && error.name === 'DomainError'
}
