/** Errors of single features that extend the contract: uploads, run sets, webhooks, reuse. Rows of `ERRORS`. */
export const EXTENSION_ERRORS = {
  UPLOAD_NOT_FOUND: [404, 'APPE-upload-not-found', 'Upload not found.'],
  UPLOAD_INVALID_STATE: [409, 'APPE-upload-state-error', 'upload is in invalid state'],
  UPLOAD_INVALID: [400, 'APPE-upload-invalid', 'invalid upload'],
  /** A bundle was sent without a layer that has been removed from the registry since. */
  UPLOAD_LAYER_GONE: [
    409,
    'APPE-upload-layer-gone',
    'a layer that was left out is no longer in the registry',
  ],
  RUN_SET_NOT_FOUND: [404, 'APPE-run-set-not-found', 'Run set not found.'],
  RUN_SET_INVALID_STATE: [409, 'APPE-run-set-state-error', 'run set is in invalid state'],
  RUN_SET_INVALID: [400, 'APPE-run-set-invalid', 'invalid run set'],
  WEBHOOK_NOT_FOUND: [404, 'APPE-webhook-not-found', 'no such webhook, or it was removed'],
  WEBHOOK_INVALID: [400, 'APPE-webhook-invalid', 'invalid webhook'],
  WEBHOOK_LIMIT: [
    409,
    'APPE-webhook-limit',
    'there are 20 webhooks already, the maximum for a stage, a run or a run set: remove one',
  ],
  /** `reuse` of a state action. */
  REUSE_INVALID: [400, 'APPE-run-reuse-invalid', 'invalid reuse'],
} as const
