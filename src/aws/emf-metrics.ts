import { Metrics as EmbeddedMetrics } from '@aws-lambda-powertools/metrics'
import { KIND_DIMENSION, MEASURES, METRICS_NAMESPACE } from '../contract/metrics.ts'
import type { Metrics } from '../shared/metrics.ts'

/** Metrics as lines on stdout that CloudWatch Logs takes figures out of (embedded metric format): no call, no permission. */
export function createEmfMetrics({ installation }: { readonly installation: string }): Metrics {
  const metrics = new EmbeddedMetrics({ namespace: METRICS_NAMESPACE, serviceName: installation })
  return {
    // One line each: figures of one line share their kind.
    count(name, kind, about = {}) {
      const line = metrics.singleMetric()
      line.addDimension(KIND_DIMENSION, kind)
      for (const [key, value] of Object.entries(about)) line.addMetadata(key, value)
      line.addMetric(name, 'Count', 1)
    },

    observe(name, value) {
      metrics.singleMetric().addMetric(name, MEASURES[name], value)
    },
  }
}
