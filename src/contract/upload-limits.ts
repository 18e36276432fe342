/** Size of all parts but the last; 10 000 of them, S3's limit, exceed {@link MAX_UPLOAD_BYTES}. */
export const PART_BYTES = 16 * 1024 * 1024

/** S3's minimum for all parts but the last: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const MIN_PART_BYTES = 5 * 1024 * 1024

/** S3's largest part number; the first is 1. */
export const MAX_PARTS = 10_000

/** Maximum number of layers that an upload may name; images cannot have more (overlayfs). */
export const MAX_NAMED_LAYERS = 127

/** Lifetime of an upload's record. Its parts are kept for one day and its object for seven (lib/stacks/storage-stack.ts). */
export const UPLOAD_KNOWN_SECONDS = 30 * 24 * 3600

/** Maximum size of an upload: twice ECR's limit for a layer, and ten times the size of today's slides. */
export const MAX_UPLOAD_BYTES = 100 * 1024 ** 3
