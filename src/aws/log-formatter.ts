import { LogFormatter, LogItem } from '@aws-lambda-powertools/logger'
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types'

/** Errors below an AggregateError that are logged; the deletion of a task may collect one of each of its runs. */
const MOST_ERRORS = 10
/** Of causes and errors within errors. */
const DEEPEST = 4

/**
 * Entries as Powertools writes them, but for errors: what an AggregateError collected is logged with it, and of an error's own
 * properties only numbers and texts are. An object may carry anything: that of a state conflict carries the run and its secret.
 */
export class EngineLogFormatter extends LogFormatter {
  override formatAttributes(attributes: UnformattedAttributes, additional: LogAttributes): LogItem {
    const entry = new LogItem({
      attributes: {
        level: attributes.logLevel,
        message: attributes.message,
        timestamp: this.formatTimestamp(attributes.timestamp),
        service: attributes.serviceName,
        xray_trace_id: attributes.xRayTraceId,
      },
    })
    return entry.addAttributes(additional)
  }

  override formatError(error: Error): LogAttributes {
    return this.#describe(error, 1)
  }

  #describe(error: unknown, depth: number): LogAttributes {
    if (!(error instanceof Error)) return { message: String(error) }
    const inner = (one: unknown): LogAttributes | undefined =>
      depth < DEEPEST ? this.#describe(one, depth + 1) : undefined
    const { $metadata } = error as { readonly $metadata?: unknown }
    return {
      ...scalarsOf(error),
      ...(typeof $metadata === 'object' && $metadata !== null ? { $metadata: scalarsOf($metadata) } : {}),
      name: error.name,
      location: this.getCodeLocation(error.stack),
      message: error.message,
      stack: error.stack,
      ...(error.cause === undefined ? {} : { cause: inner(error.cause) }),
      ...(error instanceof AggregateError
        ? { errorCount: error.errors.length, errors: error.errors.slice(0, MOST_ERRORS).map(inner) }
        : {}),
    }
  }
}

/** Own properties that are numbers, texts or truth values, such as an SDK error's `$fault`. */
function scalarsOf(value: object): LogAttributes {
  return Object.fromEntries(
    Object.entries(value).filter(([, one]) => ['string', 'number', 'boolean'].includes(typeof one)),
  )
}
