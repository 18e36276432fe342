/* A histogram of durations, in seconds. */

export interface Bar {
  readonly from: number
  readonly to: number
  readonly finished: number
  readonly failed: number
}

interface Lasted {
  readonly seconds: number
  readonly hasFailed: boolean
}

const MAX_BARS = 16
/** Possible widths of a bar: round parts of a second, a minute, an hour or a day. */
const WIDTHS = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400,
] as const

/** Bars of equal width, from the shortest duration to the longest; none without durations. */
export function barsOf(all: readonly Lasted[]): readonly Bar[] {
  if (all.length === 0) return []
  let [least, most] = [Infinity, 0]
  for (const { seconds } of all) {
    least = Math.min(least, seconds)
    most = Math.max(most, seconds)
  }
  const fits = (width: number): boolean =>
    Math.floor(most / width) - Math.floor(least / width) + 1 <= MAX_BARS
  const width = WIDTHS.find(fits) ?? Math.ceil((most - least) / (MAX_BARS - 1))
  const first = Math.floor(least / width)
  const count = Math.floor(most / width) - first + 1
  const bars = Array.from({ length: count }, (_, at) => ({
    from: (first + at) * width,
    to: (first + at + 1) * width,
    finished: 0,
    failed: 0,
  }))
  for (const { seconds, hasFailed } of all) {
    const bar = bars[Math.floor(seconds / width) - first]
    if (bar !== undefined) bar[hasFailed ? 'failed' : 'finished'] += 1
  }
  return bars
}

/** Median: of an even number of durations, the upper one of the middle two. Undefined if there are none. */
export function medianOf(all: readonly Lasted[]): number | undefined {
  return all.map(({ seconds }) => seconds).sort((a, b) => a - b)[Math.floor(all.length / 2)]
}
