/** Nearest-rank quantile. `share` is between 0 and 1; 0.5 returns the lower median. @throws Error when there are no values */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  const found = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  if (found === undefined) throw new Error('no values')
  return found
}
