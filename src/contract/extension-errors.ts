/** Errors of resources that extend the contract; rows of `ERRORS`. */
export const EXTENSION_ERRORS = {
  /** Extensions: the reference has no uploads. */
  UPLOAD_NOT_FOUND: [404, 'APPE-upload-not-found', 'Upload not found.'],
  UPLOAD_INVALID_STATE: [409, 'APPE-upload-state-error', 'upload is in invalid state'],
  UPLOAD_INVALID: [400, 'APPE-upload-invalid', 'invalid upload'],
  /** A bundle was sent without a layer that has been removed from the registry since. */
  UPLOAD_LAYER_GONE: [
    409,
    'APPE-upload-layer-gone',
    'a layer that was left out is not in the registry any more',
  ],
  /** Extensions: the reference has no run sets. */
  RUN_SET_NOT_FOUND: [404, 'APPE-run-set-not-found', 'Run set not found.'],
  RUN_SET_INVALID_STATE: [409, 'APPE-run-set-state-error', 'run set is in invalid state'],
  RUN_SET_INVALID: [400, 'APPE-run-set-invalid', 'invalid run set'],
  /** Extensions: the reference has no webhooks. */
  WEBHOOK_NOT_FOUND: [404, 'APPE-webhook-not-found', 'no such webhook, or it was removed'],
  WEBHOOK_INVALID: [400, 'APPE-webhook-invalid', 'invalid webhook'],
  WEBHOOK_LIMIT: [
    409,
    'APPE-webhook-limit',
    'there are 20 webhooks already, the most of a stage, of a run and of a run set: remove one',
  ],
  /** `reuse` of a state action, an extension. */
  REUSE_INVALID: [400, 'APPE-run-reuse-invalid', 'invalid reuse'],
} as const
