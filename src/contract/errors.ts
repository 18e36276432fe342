import { printable, quoted, someOf } from './quoted.ts'

/**
 * Every error that leaves the service: the reference's constant, HTTP status, `errorCode`, `message`.
 * Spelling mistakes in messages are part of the contract (http-api 3.3); statuses follow its section 3.2.
 */
const ERRORS = {
  APPSTORE_DOWNLOAD_FAILED: [
    400,
    'APPE-appstore-download-failure',
    'failed to download task/app from configured appstore',
  ],
  APPSTORE_NO_DEFAULT_STORE: [400, 'APPE-appstore-no-default', 'no default store is configured'],
  INTERNAL_CRC32_CALC_FAILED: [
    400,
    'APPE-internal-checksum-failure',
    'failed to calculate CRC32 checksum for zip entries',
  ],
  INTERNAL_DESCRIPTOR_EXTRACTION_FAILED: [
    400,
    'APPE-internal-descriptor-extraction-error',
    'failed to extract descriptor.yml from from bundle',
  ],
  INTERNAL_DESCRIPTOR_NOT_IN_DEFAULT_LOCATION: [
    400,
    'APPE-internal-bundle-validation-error',
    'descriptor is not found in the default location',
  ],
  INTERNAL_DOCKER_IMAGE_EXTRACTION_FAILED: [
    400,
    'APPE-internal-image-extraction-error',
    'failed to extract docker image tar from bundle',
  ],
  INTERNAL_DOCKER_IMAGE_MANIFEST_MISSING: [
    400,
    'APPE-internal-bundle-image-validation-error',
    'image is not invalid manifest is missing',
  ],
  INTERNAL_DOCKER_IMAGE_TAR_NOT_FOUND: [
    400,
    'APPE-internal-bundle-validation-error',
    'image not found in configured place in descriptor and not in the root directory',
  ],
  INTERNAL_EXTRA_OUTPUT_FILES_FOR_PARAMETER: [
    400,
    'APPE-internal-extra-output-files',
    'file structure for parameter contains extra files',
  ],
  INTERNAL_GENERIC_BATCH_ERROR: [
    400,
    'APPE-internal-batch-request-error',
    'Error(s) occurred during a handling of a batch request.',
  ],
  INTERNAL_INVALID_BUNDLE_FORMAT: [400, 'APPE-internal-bundle-validation-error', 'Invalid bundle format'],
  INTERNAL_INVALID_COLLECTION_DIMENSIONS: [
    400,
    'APPE-internal-invalid-dimensions',
    'invalid collection dimensions',
  ],
  INTERNAL_INVALID_FEATURE_COLLECTION: [
    400,
    'APPE-internal-invalid-collection',
    'invalid feature collection',
  ],
  INTERNAL_INVALID_INDEXES_PATTERN: [
    400,
    'APPE-internal-invalid-indexes',
    "indexes don't match pattern {^(0(/[0-9]+)*|[1-9][0-9]*(/[0-9]+)*)$}",
  ],
  INTERNAL_INVALID_METADATA: [400, 'APPE-internal-invalid-metadata', 'collection array.yml is malformed'],
  INTERNAL_INVALID_OUTPUT: [
    400,
    'APPE-internal-task_run-invalid-output-archive',
    'invalid outputs in archive',
  ],
  INTERNAL_INVALID_STORE_ALREADY_EXISTS: [400, 'APPE-internal-store-exists', 'store already exists'],
  INTERNAL_INVALID_STORE_DATA: [400, 'APPE-internal-invalid-store-data', 'invalid store data'],
  INTERNAL_INVALID_STORE_NOT_FOUND: [404, 'APPE-internal-store', 'store not found'],
  INTERNAL_INVALID_TASK_RUN_STATE: [403, 'APPE-internal-task-run-state-error', 'run is in invalid state'],
  INTERNAL_JSON_PROCESSING_ERROR: [400, 'APPE-internal-task-run-state-error', 'unable to process json'],
  INTERNAL_LOGO_NOT_FOUND: [404, 'APPE-internal-logo-not-found', 'no logo found in storage'],
  INTERNAL_MAX_UPLOAD_SIZE_EXCEEDED: [
    413,
    'APPE-internal-bundle-validation-error',
    'maximum upload size for bundle exceeded',
  ],
  INTERNAL_MISSING_METADATA: [
    400,
    'APPE-internal-missing-metadata',
    'collection does not have array.yml file',
  ],
  INTERNAL_MISSING_OUTPUTS: [
    400,
    'APPE-internal-task-run-missing-outputs',
    'some outputs are missing in the archive',
  ],
  INTERNAL_MISSING_OUTPUT_FILE_FOR_PARAMETER: [
    400,
    'APPE-internal-missing-output-files',
    'file structure for primitive parameter is missing',
  ],
  INTERNAL_NOT_MATCHING_DIFF_SIZE: [
    400,
    'APPE-internal-not-matching',
    "collections don't have the same size",
  ],
  INTERNAL_NOT_MULTIPART: [400, 'APPE-internal-not-multipart', 'payload is not multipart'],
  INTERNAL_NOT_PROVISIONED: [403, 'APPE-internal-task-run-provisions-not-found', 'not provisioned'],
  INTERNAL_NO_FILE_BUT_FORM_FIELD: [
    400,
    'APPE-internal-no-file-but-form-field',
    'payload does not contain file but form field',
  ],
  INTERNAL_NO_FILE_PARTS_FOUND: [400, 'APPE-internal-no-file-parts', 'payload does not contain file parts'],
  INTERNAL_NULL_PROVISION: [400, 'APPE-internal-null-provision', 'provision object is null'],
  INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_BLANK: [400, 'APPE-internal-is-blank', 'file for parameter is blank'],
  INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_DIRECTORY: [
    400,
    'APPE-internal-is-directory',
    'file structure for primitive parameter is a directory',
  ],
  INTERNAL_PARAMETER_AFTER_ERROR: [
    400,
    'APPE-internal-request-validation-error',
    'date must be after the defined constraint',
  ],
  INTERNAL_PARAMETER_BASELINE_IMAGE_FAILED: [
    400,
    'APPE-internal-no-baseline',
    'failed to extract baseline image',
  ],
  INTERNAL_PARAMETER_BEFORE_ERROR: [
    400,
    'APPE-internal-request-validation-error',
    'date must be before the defined constraint',
  ],
  INTERNAL_PARAMETER_DOES_NOT_EXIST: [404, 'APPE-internal-parameter-not-found', 'parameter not found'],
  INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR: [
    400,
    'APPE-internal-request-validation-error',
    'failed to parse the given GeoJSON object',
  ],
  INTERNAL_PARAMETER_GEOJSON_SUBTYPE_ERROR: [
    400,
    'APPE-internal-request-validation-error',
    'unsupported GeoJSON subtype',
  ],
  INTERNAL_PARAMETER_GEQ_VALIDATION_ERROR: [
    400,
    'APPE-internal-request-validation-error',
    'value must be greater than or equal to define constraint',
  ],
  INTERNAL_PARAMETER_GT_VALIDATION_ERROR: [
    400,
    'APPE-internal-request-validation-error',
    'value must be greater than defined constraint',
  ],
  INTERNAL_PARAMETER_INFINITY_ERROR: [
    400,
    'APPE-internal-request-validation-error',
    'value cannot be infinity',
  ],
  INTERNAL_PARAMETER_INVALID_GEOJSON: [
    400,
    'APPE-internal-request-validation-error',
    'invalid GeoJSON object',
  ],
  INTERNAL_PARAMETER_INVALID_IMAGE: [400, 'APPE-internal-request-validation-error', 'invalid image'],
  INTERNAL_PARAMETER_INVALID_IMAGE_DIMENSION: [
    400,
    'APPE-internal-request-validation-error',
    'invalid image dimension',
  ],
  INTERNAL_PARAMETER_INVALID_IMAGE_FORMAT: [
    400,
    'APPE-internal-request-validation-error',
    'invalid image format',
  ],
  INTERNAL_PARAMETER_INVALID_IMAGE_HEIGHT: [
    400,
    'APPE-internal-request-validation-error',
    'invalid image height',
  ],
  INTERNAL_PARAMETER_INVALID_IMAGE_SIZE: [
    400,
    'APPE-internal-request-validation-error',
    'invalid image size',
  ],
  INTERNAL_PARAMETER_INVALID_IMAGE_SIZE_FORMAT: [
    400,
    'APPE-internal-request-validation-error',
    'invalid size format',
  ],
  INTERNAL_PARAMETER_INVALID_IMAGE_WIDTH: [
    400,
    'APPE-internal-request-validation-error',
    'invalid image width',
  ],
  INTERNAL_PARAMETER_LEQ_VALIDATION_ERROR: [
    400,
    'APPE-internal-request-validation-error',
    'value must be less than or equal to defined constraint',
  ],
  INTERNAL_PARAMETER_LT_VALIDATION_ERROR: [
    400,
    'APPE-internal-request-validation-error',
    'value must be less than defined constraint',
  ],
  INTERNAL_PARAMETER_MISSING_RADIUS_ERROR: [
    400,
    'APPE-internal-request-validation-error',
    'missing radius parameter',
  ],
  INTERNAL_PARAMETER_NAN_ERROR: [400, 'APPE-internal-request-validation-error', 'value cannot be nan'],
  INTERNAL_PARAMETER_SCHEMA_VALIDATION_ERROR: [400, 'APPE-internal-bundle-io-schema-validation-error', ''],
  INTERNAL_PARAMETER_TYPE_ERROR: [400, 'APPE-internal-request-validation-error', 'invalid parameter type'],
  INTERNAL_PARAMETER_TYPE_ERROR_NO_DELETE: [
    400,
    'APPE-internal-zip-not-deleted',
    'failed to delete zip archive',
  ],
  INTERNAL_PARAMETER_TYPE_ERROR_NO_MOVE: [
    400,
    'APPE-internal-zip-not-moved',
    'failed to renamed zip archive',
  ],
  INTERNAL_PARAMETER_TYPE_ERROR_NO_UNZIP: [
    400,
    'APPE-internal-zip-not-unzipped',
    'failed to write unzipped content',
  ],
  INTERNAL_PARAMETER_UNSUPPORTED_GEOMETRY_SUBTYPE: [
    400,
    'APPE-internal-request-validation-error',
    'unsupported geometry subtype',
  ],
  INTERNAL_PARAMETER_UNSUPPORTED_GEOMETRY_TYPE: [
    400,
    'APPE-internal-request-validation-error',
    'unsupported geometry type',
  ],
  INTERNAL_PARAMETER_VALIDATION_ERROR: [
    400,
    'APPE-internal-request-validation-error',
    'value does not match defined constraint.',
  ],
  INTERNAL_PROVISIONS_NOT_FOUND: [403, 'APPE-internal-task-run-provisions-not-found', 'provisions not found'],
  INTERNAL_SCHEMA_VALIDATION_ERROR: [
    400,
    'APPE-internal-bundle-schema-validation-error',
    'Schema validation failed for the descriptor file',
  ],
  INTERNAL_SERVER_ERROR: [500, 'APPE-internal-server-error', 'Server error.'],
  INTERNAL_TASK_EXISTS: [409, 'APPE-internal-task-exists', 'Task already exists.'],
  INTERNAL_TASK_NOT_FOUND: [404, 'APPE-internal-task-not-found', 'Task not found.'],
  INTERNAL_UNKNOWN_BUNDLE_ARCHIVE_FORAMT: [
    400,
    'APPE-internal-bundle-validation-error',
    'unknown task bundle archive format',
  ],
  INTERNAL_UNKNOWN_IMAGE_ARCHIVE_FORMAT: [
    400,
    'APPE-internal-image-validation-error',
    'unknown image archive format',
  ],
  INTERNAL_UNKNOWN_OUTPUT: [
    400,
    'APPE-internal-task-run-unknown-output',
    'unexpected output, did not match an actual task output',
  ],
  INTERNAL_UNKNOWN_PARAMETER: [400, 'APPE-internal-unknown', 'unknown parameter'],
  INTERNAL_UNKNOWN_SUBTYPE: [400, 'APPE-internal-unknown-subtype', 'collection subtype unknown'],
  INTERNAL_WRONG_PROVISION_STRUCTURE: [400, 'APPE-internal-invalid-structure', 'invalid provision structure'],
  REGISTRY_PUSHING_TASK_IMAGE_FAILED: [
    500,
    'APPE-registry-push-failed',
    'pushing task image to registry failed in registry',
  ],
  RUN_NOT_FOUND: [404, 'APPE-internal-run-not-found-error', 'Run not found.'],
  SCHEDULER_UNAUTHENTICATED_OUTPUT_PROVISIONING: [
    400,
    'APPE-scheduler-unauthenticated-output-provisioning',
    'unauthenticated task failed to provision outputs for this run',
  ],
  STORAGE_CREATING_STORAGE_FAILED: [
    400,
    'APPE-storage-storage-creation-error',
    'creating storage failed in storage service',
  ],
  STORAGE_DELETE_FAILED: [400, 'APPE-storage-deletion-error', 'Failed to delete storage.'],
  STORAGE_READING_FILE_FAILED: [
    400,
    'APPE-storage-reading-file-error',
    'failed to read file from storage service',
  ],
  STORAGE_STORING_INPUT_FAILED: [
    400,
    'APPE-storage-storing-input-failed',
    'failed to store input file in storage service',
  ],
  STORAGE_STORING_TASK_DEFINITION_FAILED: [
    400,
    'APPE-storage-definition-storage-error',
    'storing task definition failed in storage service',
  ],
  UNKNOWN_STATE: [400, 'APPE-internal-task-run-state-error', 'unknown state in transition request'],
  /** Not in the reference's table: array items whose indexes differ (contract http-api 3.3, notes). */
  INTERNAL_NOT_MATCHING_NOT_ALIGNED_INDEXES: [
    400,
    'APPE-internal-not-matching',
    'collections indexes are not aligned',
  ],
  /** A state word that the engine alone may set, asked for by a client: the same text as UNKNOWN_STATE, but 403. */
  STATE_NOT_REQUESTABLE: [403, 'APPE-internal-task-run-state-error', 'unknown state in transition request'],
  /** The reference has no uploads: these three extend its table. */
  UPLOAD_NOT_FOUND: [404, 'APPE-upload-not-found', 'Upload not found.'],
  UPLOAD_INVALID_STATE: [409, 'APPE-upload-state-error', 'upload is in invalid state'],
  UPLOAD_INVALID: [400, 'APPE-upload-invalid', 'invalid upload'],
  /** Sent by a browser for a page of somebody else, or to a host that is not ours. */
  FOREIGN_REQUEST: [403, 'APPE-internal-server-error', 'the request comes from a foreign web page'],
  ROUTE_NOT_FOUND: [404, 'APPE-internal-server-error', 'no such path'],
  METHOD_NOT_ALLOWED: [405, 'APPE-internal-server-error', 'method not allowed on this path'],
  RANGE_NOT_SATISFIABLE: [416, 'APPE-internal-server-error', 'the file has no byte in this range'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'APPE-internal-server-error', 'unsupported media type'],
} as const satisfies Record<string, readonly [status: number, errorCode: string, message: string]>

export type ErrorName = keyof typeof ERRORS

/** All rows, for tests that look at each of them. */
export const ERROR_NAMES = Object.keys(ERRORS) as readonly ErrorName[]

/** Code of refused values. */
const VALUE_REFUSED = 'APPE-internal-request-validation-error'

/**
 * Besides those with the code of refused values: errors whose message clients compare with. What they have to explain stands beside
 * the message.
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
  'UNKNOWN_STATE',
])

/** What the contract calls `details`: an object told apart by `type` (http-api 3.1). */
export type ErrorDetails =
  | ({ readonly type: 'empty' } & Explained)
  | { readonly type: 'parameter'; readonly parameterName: string }
  | ({ readonly type: 'related'; readonly parameterName: string; readonly description: string } & Explained)
  | { readonly type: 'batch'; readonly errors: readonly ErrorBody[] }
  | ({ readonly type: 'server'; readonly exceptionMessage: string | null } & Explained)

/** What core's page shows beside the message; {@link explained} adds it. */
interface Explained {
  readonly errors?: readonly ErrorBody[]
}

/** The body of every error answer, keys in this order. */
export interface ErrorBody {
  readonly errorCode: string
  readonly message: string
  readonly details: ErrorDetails
  /** What is wrong with which value, and what was expected; only where `message` is fixed and does not say it. */
  readonly explanation?: string
}

interface ErrorOptions {
  readonly cause?: unknown
  /** Replaces the row's message, where the contract leaves the words to us. */
  readonly text?: string
  /** What is wrong with which value, what was expected, what to do next; without the parameter, which is named before it. */
  readonly words?: string
  /** Index path of the array's item that is meant. */
  readonly item?: string
  /** The words stand in the message although the row is fixed: the reference answers this case by its error 500. */
  readonly isMessageOurs?: boolean
}

/**
 * A failure that a client may see. `error` names a row of {@link ERRORS}. Anything else that is thrown becomes a 500.
 */
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

  /** HTTP status of the contract for this error. */
  get status(): number {
    return ERRORS[this.error][0]
  }

  /** What is wrong, by name and value; undefined when the message says all. */
  get explanation(): string | undefined {
    return explanationOf(this.details, this)
  }

  /** The answer's body. */
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
  const isFixed = FIXED_MESSAGES.has(error) || code === VALUE_REFUSED
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

/** An index path may be 32 numbers long. */
const MAX_ITEM_LENGTH = 80

/**
 * The body with its words where core's page looks for them: it shows `message` and `details.errors[].message` only. Details of one
 * parameter and of several errors stay as the contract has them.
 */
export function explained(body: ErrorBody): ErrorBody {
  const { details, errorCode, message, explanation } = body
  if (details.type === 'parameter' || details.type === 'batch') return body
  const words = explanation ?? detailOf(details) ?? message
  const errors: readonly ErrorBody[] = [{ errorCode, message: words, details: { type: 'empty' } }]
  return { errorCode, message, details: { ...details, errors } }
}

function detailOf(details: ErrorDetails): string | null | undefined {
  if (details.type === 'related') return details.description
  return details.type === 'server' ? details.exceptionMessage : undefined
}

/**
 * A refused value of one parameter: `details` name the parameter.
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

/** The same where the reference has no text of its own: the message names the value. */
export function unreadable(parameterName: string, words: string): DomainError {
  return parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName, words, { isMessageOurs: true })
}

/** Explanations of so many errors are told together. */
const MAX_EXPLAINED = 20

/** Several errors told together (descriptor problems, batch provisioning, outputs); explanations go to the whole, as the entries are fixed. */
export function batchError(error: ErrorName, errors: readonly ErrorBody[]): DomainError {
  const explanations = errors.flatMap(({ explanation }) => (explanation === undefined ? [] : [explanation]))
  const entries = errors.map(({ explanation: _, ...entry }) => entry)
  const words = someOf(explanations, MAX_EXPLAINED, '; ')
  return new DomainError(error, { type: 'batch', errors: entries }, words === '' ? {} : { words })
}
