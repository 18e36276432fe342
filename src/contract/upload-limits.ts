/** Parts have this size, but for the last: 10 000 of them, which S3 takes, are more than an upload may have. */
export const PART_BYTES = 16 * 1024 * 1024

/** S3 refuses smaller parts, but for the last: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const MIN_PART_BYTES = 5 * 1024 * 1024

/** S3 numbers parts from 1 to this. */
export const MAX_PARTS = 10_000

/**
 * An upload is known for so long; its parts are kept for a day, its object for seven (lib/stacks/storage-stack.ts). Who asks later is told
 * that there is none.
 */
export const UPLOAD_KNOWN_SECONDS = 30 * 24 * 3600

/** Twice the largest image that ECR takes as one layer, and ten times the slides of today. */
export const MAX_UPLOAD_BYTES = 100 * 1024 ** 3
