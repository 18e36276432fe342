import { Metrics as EmbeddedMetrics } from '@aws-lambda-powertools/metrics'
import { KIND_DIMENSION, MEASURES, METRICS_NAMESPACE } from '../contract/metrics.ts'
import type { Metrics } from '../shared/metrics-port.ts'

/**
 * Metrics in the embedded metric format: lines on stdout, from which CloudWatch Logs extracts them. This needs no call
 * and no permission.
 */
export function createEmfMetrics({ installation }: { readonly installation: string }): Metrics {
  const metrics = new EmbeddedMetrics({ namespace: METRICS_NAMESPACE, serviceName: installation })
  return {
    // One line for each metric: dimensions apply to a whole line.
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
