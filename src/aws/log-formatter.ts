import { LogFormatter, LogItem } from '@aws-lambda-powertools/logger'
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types'

/** Maximum number of logged errors of an AggregateError: removing a task may collect one for each run. */
const MAX_ERRORS = 10
/** Maximum depth of causes and aggregated errors. */
const MAX_DEPTH = 4

/**
 * Powertools' log format with two differences: it logs the errors of an AggregateError, and only scalar properties of
 * errors. Objects may contain secrets: a RunStateConflictError contains the run.
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
      depth < MAX_DEPTH ? this.#describe(one, depth + 1) : undefined
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
        ? { errorCount: error.errors.length, errors: error.errors.slice(0, MAX_ERRORS).map(inner) }
        : {}),
    }
  }
}

/** Own scalar properties, such as `$fault` of an SDK error. */
function scalarsOf(value: object): LogAttributes {
  return Object.fromEntries(
    Object.entries(value).filter(([, one]) => ['string', 'number', 'boolean'].includes(typeof one)),
  )
}
