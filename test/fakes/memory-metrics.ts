import type { Metrics } from '../../src/shared/metrics-port.ts'

/** In-memory metrics for tests. */
export function createMemoryMetrics(): Metrics & {
  /** Numbers of counts by name and kind, for example 1 for `RunsEnded finished`. */
  readonly counts: Map<string, number>
  readonly observed: Map<string, number[]>
} {
  const counts = new Map<string, number>()
  const observed = new Map<string, number[]>()
  return {
    counts,
    observed,

    count(name, kind) {
      const key = `${name} ${kind}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    },

    observe(name, value) {
      observed.set(name, [...(observed.get(name) ?? []), value])
    },
  }
}
