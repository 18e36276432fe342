import { pMapSettled } from 'p-map'

/**
 * Calls all parts, even when some fail.
 * @param concurrency maximum number of concurrent calls
 * @returns the failures, in the order of the parts
 */
export async function failuresOf(
  parts: readonly (() => Promise<unknown>)[],
  concurrency = Number.POSITIVE_INFINITY,
): Promise<readonly unknown[]> {
  const results = await pMapSettled(parts, (part) => part(), { concurrency })
  return results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
}

/** @throws the failure, or an AggregateError with this message for several */
export function throwFailures(failures: readonly unknown[], message: string): void {
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new AggregateError(failures, message)
}
