import type { ErrorBody, ErrorDetails } from './error-body.ts'
import { ERRORS, type ErrorName, REQUEST_VALIDATION_ERROR } from './error-table.ts'
import { printable, quoted, someOf } from './quoted.ts'

export type { ErrorBody, ErrorDetails } from './error-body.ts'
export type { ErrorName } from './error-table.ts'

/**
 * Errors whose message clients compare, in addition to those with the code {@link REQUEST_VALIDATION_ERROR}. Their explanation is a
 * separate field instead of part of the message.
 */
const FIXED_MESSAGES: ReadonlySet<ErrorName> = new Set([
  'INTERNAL_GENERIC_BATCH_ERROR',
  'INTERNAL_INVALID_INDEXES_PATTERN',
  'INTERNAL_INVALID_STORE_DATA',
  'INTERNAL_JSON_PROCESSING_ERROR',
  'INTERNAL_PARAMETER_DOES_NOT_EXIST',
  'INTERNAL_TASK_EXISTS',
  'INTERNAL_TASK_NOT_FOUND',
  'RUN_NOT_FOUND',
  'STATE_NOT_REQUESTABLE',
  'STORAGE_READING_FILE_FAILED',
  'UNKNOWN_STATE',
])

interface ErrorOptions {
  readonly cause?: unknown
  /** Replaces the row's message, where the contract does not fix it. */
  readonly text?: string
  /** The wrong value, what was expected, and what to do next. The parameter's name is prefixed, so it is omitted here. */
  readonly words?: string
  /** Index path of the array item that the error is about. */
  readonly item?: string
  /** Adds `words` to the message of a row with a fixed message, for cases that the reference answers with status 500. */
  readonly isMessageOurs?: boolean
}

/** A failure that clients may see; `error` names a row of {@link ERRORS}. Any other thrown error is answered with status 500. */
export class DomainError extends Error {
  readonly error: ErrorName
  readonly details: ErrorDetails
  readonly words: string | undefined
  readonly item: string | undefined
  readonly isMessageOurs: boolean

  constructor(error: ErrorName, details: ErrorDetails = { type: 'empty' }, options: ErrorOptions = {}) {
    super(messageOf(error, details, options), options.cause === undefined ? undefined : options)
    // Set by hand: minifying renames classes, and Step Functions matches on the name.
    this.name = 'DomainError'
    this.error = error
    this.details = details
    this.words = options.words
    this.item = options.item
    this.isMessageOurs = options.isMessageOurs === true
  }

  /** HTTP status. */
  get status(): number {
    return ERRORS[this.error][0]
  }

  /** Parameter, item and `words`; undefined without `words`. */
  get explanation(): string | undefined {
    return explanationOf(this.details, this)
  }

  /** Body of the response. */
  get body(): ErrorBody {
    const { explanation, message, details } = this
    const isSaid = explanation === undefined || message.endsWith(explanation)
    return { errorCode: ERRORS[this.error][1], message, details, ...(isSaid ? {} : { explanation }) }
  }
}

function messageOf(error: ErrorName, details: ErrorDetails, options: ErrorOptions): string {
  const [, code, message] = ERRORS[error]
  if (options.text !== undefined) return options.text
  const explanation = explanationOf(details, options)
  if (explanation === undefined) return message
  const isFixed = FIXED_MESSAGES.has(error) || code === REQUEST_VALIDATION_ERROR
  return isFixed && options.isMessageOurs !== true
    ? message
    : `${message.replace(/\.$/u, '')}: ${explanation}`
}

function explanationOf(
  details: ErrorDetails,
  { words, item }: { readonly words?: string | undefined; readonly item?: string | undefined },
): string | undefined {
  if (words === undefined) return undefined
  if (details.type !== 'parameter' && details.type !== 'related') return words
  const place = item === undefined || item === '' ? '' : `, item ${printable(item, MAX_ITEM_LENGTH)}`
  return `${quoted(details.parameterName)}${place}: ${words}`
}

/** Maximum length of an item's index path in a message, in UTF-16 units; a path may consist of 32 numbers. */
const MAX_ITEM_LENGTH = 80

/**
 * Copies the explanation into `details.errors[].message`: core's page shows that and `message`, nothing else. The contract fixes the
 * details of types `parameter` and `batch`, so these are returned unchanged.
 */
export function explained(body: ErrorBody): ErrorBody {
  const { details, errorCode, message, explanation } = body
  if (details.type === 'parameter' || details.type === 'batch') return body
  const words = explanation ?? detailOf(details) ?? message
  const errors: readonly ErrorBody[] = [{ errorCode, message: words, details: { type: 'empty' } }]
  return { errorCode, message, details: { ...details, errors } }
}

/** Words of an error for a message about one value of a table: the most specific ones that it has. */
export function wordsOf({ explanation, details, message }: DomainError): string {
  return explanation ?? detailOf(details) ?? message
}

function detailOf(details: ErrorDetails): string | null | undefined {
  if (details.type === 'related') return details.description
  return details.type === 'server' ? details.exceptionMessage : undefined
}

/**
 * Error about one parameter, which `details` name.
 * @param words what is wrong with the value, and what was expected
 */
export function parameterError(
  error: ErrorName,
  parameterName: string,
  words?: string,
  options: Omit<ErrorOptions, 'words'> = {},
): DomainError {
  const details = { type: 'parameter', parameterName } as const
  return new DomainError(error, details, words === undefined ? options : { ...options, words })
}

/** Error about a value that cannot be parsed. The reference fixes no text for it, so `words` are part of the message. */
export function unreadable(parameterName: string, words: string): DomainError {
  return parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName, words, { isMessageOurs: true })
}

/** Maximum number of explanations that are joined for a batch. */
const MAX_EXPLAINED = 20

/**
 * Several errors as one: problems of inputs provisioned together, of outputs. The contract fixes the entries, so their explanations are
 * joined on the error itself. An entry without explanation has it in its message.
 */
export function batchError(error: ErrorName, errors: readonly ErrorBody[]): DomainError {
  const explanations = errors.map(({ explanation, message, details }) => {
    const name = details.type === 'parameter' ? details.parameterName : ''
    if (explanation !== undefined || name === '' || message.includes(quoted(name)))
      return explanation ?? message
    return `${quoted(name)}: ${message}`
  })
  const entries = errors.map(({ explanation: _, ...entry }) => entry)
  const words = someOf(explanations, MAX_EXPLAINED, '; ')
  return new DomainError(error, { type: 'batch', errors: entries }, words === '' ? {} : { words })
}
