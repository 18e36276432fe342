/** Errors of features that the Java service does not have. Rows of `ERRORS`. */
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
  IDEMPOTENCY_KEY_INVALID: [
    400,
    'APPE-idempotency-key-invalid',
    'invalid header Idempotency-Key: expected 1 to 255 printable ASCII characters',
  ],
  /** The first call with the key has not ended; the response has a `Retry-After`. */
  IDEMPOTENCY_KEY_IN_USE: [
    409,
    'APPE-idempotency-key-in-use',
    'an earlier call with this Idempotency-Key has not ended: repeat this one later',
  ],
  IDEMPOTENCY_KEY_REUSED: [
    422,
    'APPE-idempotency-key-reused',
    'this Idempotency-Key belongs to a call with another path or body: send a new key with a new request',
  ],
  QUERY_INVALID: [400, 'APPE-query-invalid', 'invalid query'],
  CONSOLE_READ_ONLY: [
    403,
    'APPE-internal-server-error',
    'the console of this stage is read-only: its setting console allows no changes from a web page',
  ],
  /** A Lambda function cannot stream: only the edge can send events. */
  EVENTS_NOT_SERVED: [
    501,
    'APPE-events-not-served',
    'this address serves no live updates: poll GET task-runs, or send the request to an edge',
  ],
} as const
