/** Request header that makes a creating call safe to repeat. */
export const IDEMPOTENCY_KEY_HEADER = 'idempotency-key'

/** Header of a response that was stored by an earlier call with the same key. */
export const REPLAYED_HEADER = 'idempotent-replayed'

/**
 * Digest of a file that the edge has sent as an upload: `sha256:` and hexadecimal digits. Each call has its own upload, so the
 * upload's id does not identify the file. The edge removes this header from requests of clients.
 */
export const CONTENT_DIGEST_HEADER = 'x-app-engine-content-digest'

/** Lifetime of a key, from its first call. */
export const KEY_SECONDS = 24 * 3600

/** A call that has not ended after this time was killed: the function's limit is 29 s. Afterwards the key may be claimed again. */
export const KEY_LEASE_SECONDS = 60

/** A key: at most 255 characters of printable ASCII. HTTP removes spaces around a header's value. */
export const IDEMPOTENCY_KEY = /^[!-~](?:[ -~]{0,253}[!-~])?$/u

/** Maximum size of a stored response body, in bytes of UTF-8; a DynamoDB item has at most 400 KB. */
export const MAX_STORED_ANSWER_BYTES = 350 * 1024
