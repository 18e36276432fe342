/**
 * Carries out all parts at the same time, whichever of them fail.
 * @returns what they failed with, in their order
 */
export async function failuresOf(parts: readonly (() => Promise<unknown>)[]): Promise<readonly unknown[]> {
  const results = await Promise.allSettled(parts.map(async (part) => part()))
  return results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
}

/** @throws the failure; of several an AggregateError with this message */
export function throwFailures(failures: readonly unknown[], message: string): void {
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new AggregateError(failures, message)
}
