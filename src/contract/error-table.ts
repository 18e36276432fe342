import { EXTENSION_ERRORS } from './extension-errors.ts'

/** `errorCode` of all errors about values. */
export const REQUEST_VALIDATION_ERROR = 'APPE-internal-request-validation-error'
const BUNDLE_VALIDATION_ERROR = 'APPE-internal-bundle-validation-error'
const TASK_RUN_STATE_ERROR = 'APPE-internal-task-run-state-error'
/** Status and `errorCode` of rows that share both, named by the code. */
const REQUEST_VALIDATION = [400, REQUEST_VALIDATION_ERROR] as const
const BUNDLE_VALIDATION = [400, BUNDLE_VALIDATION_ERROR] as const

/**
 * Every error that the service answers with, by the reference's constant (http-api 3.3). Spelling mistakes in messages are part of the
 * contract; statuses follow its section 3.2.
 */
export const ERRORS = {
  APPSTORE_DOWNLOAD_FAILED: [
    400,
    'APPE-appstore-download-failure',
    'failed to download task/app from configured appstore',
  ],
  APPSTORE_NO_DEFAULT_STORE: [400, 'APPE-appstore-no-default', 'no default store is configured'],
  INTERNAL_DESCRIPTOR_EXTRACTION_FAILED: [
    400,
    'APPE-internal-descriptor-extraction-error',
    'failed to extract descriptor.yml from from bundle',
  ],
  INTERNAL_DESCRIPTOR_NOT_IN_DEFAULT_LOCATION: [
    ...BUNDLE_VALIDATION,
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
    ...BUNDLE_VALIDATION,
    'image not found in configured place in descriptor and not in the root directory',
  ],
  INTERNAL_GENERIC_BATCH_ERROR: [
    400,
    'APPE-internal-batch-request-error',
    'Error(s) occurred during a handling of a batch request.',
  ],
  INTERNAL_INVALID_BUNDLE_FORMAT: [...BUNDLE_VALIDATION, 'Invalid bundle format'],
  INTERNAL_INVALID_COLLECTION_DIMENSIONS: [
    400,
    'APPE-internal-invalid-dimensions',
    'invalid collection dimensions',
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
  INTERNAL_INVALID_TASK_RUN_STATE: [403, TASK_RUN_STATE_ERROR, 'run is in invalid state'],
  INTERNAL_JSON_PROCESSING_ERROR: [400, TASK_RUN_STATE_ERROR, 'unable to process json'],
  INTERNAL_LOGO_NOT_FOUND: [404, 'APPE-internal-logo-not-found', 'no logo found in storage'],
  INTERNAL_MAX_UPLOAD_SIZE_EXCEEDED: [
    413,
    BUNDLE_VALIDATION_ERROR,
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
  INTERNAL_PARAMETER_AFTER_ERROR: [...REQUEST_VALIDATION, 'date must be after the defined constraint'],
  INTERNAL_PARAMETER_BEFORE_ERROR: [...REQUEST_VALIDATION, 'date must be before the defined constraint'],
  INTERNAL_PARAMETER_DOES_NOT_EXIST: [404, 'APPE-internal-parameter-not-found', 'parameter not found'],
  INTERNAL_PARAMETER_GEOJSON_PROCESSING_ERROR: [
    ...REQUEST_VALIDATION,
    'failed to parse the given GeoJSON object',
  ],
  INTERNAL_PARAMETER_GEQ_VALIDATION_ERROR: [
    ...REQUEST_VALIDATION,
    'value must be greater than or equal to define constraint',
  ],
  INTERNAL_PARAMETER_GT_VALIDATION_ERROR: [
    ...REQUEST_VALIDATION,
    'value must be greater than defined constraint',
  ],
  INTERNAL_PARAMETER_INFINITY_ERROR: [...REQUEST_VALIDATION, 'value cannot be infinity'],
  INTERNAL_PARAMETER_INVALID_GEOJSON: [...REQUEST_VALIDATION, 'invalid GeoJSON object'],
  INTERNAL_PARAMETER_INVALID_IMAGE: [...REQUEST_VALIDATION, 'invalid image'],
  INTERNAL_PARAMETER_INVALID_IMAGE_DIMENSION: [...REQUEST_VALIDATION, 'invalid image dimension'],
  INTERNAL_PARAMETER_INVALID_IMAGE_FORMAT: [...REQUEST_VALIDATION, 'invalid image format'],
  INTERNAL_PARAMETER_INVALID_IMAGE_HEIGHT: [...REQUEST_VALIDATION, 'invalid image height'],
  INTERNAL_PARAMETER_INVALID_IMAGE_SIZE: [...REQUEST_VALIDATION, 'invalid image size'],
  INTERNAL_PARAMETER_INVALID_IMAGE_WIDTH: [...REQUEST_VALIDATION, 'invalid image width'],
  INTERNAL_PARAMETER_LEQ_VALIDATION_ERROR: [
    ...REQUEST_VALIDATION,
    'value must be less than or equal to defined constraint',
  ],
  INTERNAL_PARAMETER_LT_VALIDATION_ERROR: [
    ...REQUEST_VALIDATION,
    'value must be less than defined constraint',
  ],
  INTERNAL_PARAMETER_MISSING_RADIUS_ERROR: [...REQUEST_VALIDATION, 'missing radius parameter'],
  INTERNAL_PARAMETER_NAN_ERROR: [...REQUEST_VALIDATION, 'value cannot be nan'],
  INTERNAL_PARAMETER_SCHEMA_VALIDATION_ERROR: [400, 'APPE-internal-bundle-io-schema-validation-error', ''],
  INTERNAL_PARAMETER_TYPE_ERROR: [...REQUEST_VALIDATION, 'invalid parameter type'],
  INTERNAL_PARAMETER_UNSUPPORTED_GEOMETRY_SUBTYPE: [...REQUEST_VALIDATION, 'unsupported geometry subtype'],
  INTERNAL_PARAMETER_UNSUPPORTED_GEOMETRY_TYPE: [...REQUEST_VALIDATION, 'unsupported geometry type'],
  INTERNAL_PARAMETER_VALIDATION_ERROR: [...REQUEST_VALIDATION, 'value does not match defined constraint.'],
  INTERNAL_PROVISIONS_NOT_FOUND: [403, 'APPE-internal-task-run-provisions-not-found', 'provisions not found'],
  INTERNAL_SCHEMA_VALIDATION_ERROR: [
    400,
    'APPE-internal-bundle-schema-validation-error',
    'Schema validation failed for the descriptor file',
  ],
  INTERNAL_SERVER_ERROR: [500, 'APPE-internal-server-error', 'Server error.'],
  INTERNAL_TASK_EXISTS: [409, 'APPE-internal-task-exists', 'Task already exists.'],
  INTERNAL_TASK_NOT_FOUND: [404, 'APPE-internal-task-not-found', 'Task not found.'],
  INTERNAL_UNKNOWN_BUNDLE_ARCHIVE_FORAMT: [...BUNDLE_VALIDATION, 'unknown task bundle archive format'],
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
  STORAGE_READING_FILE_FAILED: [
    400,
    'APPE-storage-reading-file-error',
    'failed to read file from storage service',
  ],
  UNKNOWN_STATE: [400, TASK_RUN_STATE_ERROR, 'unknown state in transition request'],
  /** Arrays whose indexes differ; from the notes to the reference's table. */
  INTERNAL_NOT_MATCHING_NOT_ALIGNED_INDEXES: [
    400,
    'APPE-internal-not-matching',
    'collections indexes are not aligned',
  ],
  /** A client requested a state that only the engine sets: text of UNKNOWN_STATE, status 403. */
  STATE_NOT_REQUESTABLE: [403, TASK_RUN_STATE_ERROR, 'unknown state in transition request'],
  ...EXTENSION_ERRORS,
  /** A browser sent the request for a page of another origin, or to an unknown host. */
  FOREIGN_REQUEST: [403, 'APPE-internal-server-error', 'the request comes from a foreign web page'],
  ROUTE_NOT_FOUND: [404, 'APPE-internal-server-error', 'no such path'],
  METHOD_NOT_ALLOWED: [405, 'APPE-internal-server-error', 'method not allowed on this path'],
  RANGE_NOT_SATISFIABLE: [416, 'APPE-internal-server-error', 'the file has no byte in this range'],
} as const satisfies Record<string, readonly [status: number, errorCode: string, message: string]>

/** Name of a row of {@link ERRORS}. */
export type ErrorName = keyof typeof ERRORS
