/**
 * Pauses in seconds after failed attempts to deliver an event to a webhook, 20 hours together. SQS hides a message for 12 hours at most.
 */
export const DELIVERY_PAUSES = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 21_600, 21_600] as const

/** Attempts to deliver an event. After the last one, the queue moves it to its dead-letter queue. */
export const MAX_DELIVERY_ATTEMPTS = DELIVERY_PAUSES.length + 1

/**
 * Prefixes of the table's partitions of webhooks, which permissions name: `webhook` has a webhook with its secret,
 * `listing` has listings without secrets.
 */
export const WEBHOOK_PARTITIONS = { webhook: 'WEBHOOK#', listing: 'WEBHOOKS#' } as const
