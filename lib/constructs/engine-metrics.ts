import type { Duration } from 'aws-cdk-lib'
import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { Operation, type Table } from 'aws-cdk-lib/aws-dynamodb'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import {
  COUNTS,
  type CountName,
  INSTALLATION_DIMENSION,
  KIND_DIMENSION,
  type KindOf,
  METRICS_NAMESPACE,
  type MeasureName,
} from '../../src/contract/metrics.ts'

/** Resources that dashboard and alarms cover. */
export interface Watched {
  readonly restApi: RestApi
  /** API of stagers; may be the same as `restApi`. */
  readonly stagerApi: RestApi
  /** Functions by name, which the dashboard shows as labels. */
  readonly functions: Readonly<Record<string, IFunction>>
  readonly stateMachines: readonly StateMachine[]
  readonly table: Table
  /** Dead-letter queues by the kind of event. */
  readonly deadLetters: Readonly<Record<string, Queue>>
}

/** Count of one kind in a period. */
export function countOf<Name extends CountName>(
  installation: string,
  name: Name,
  kind: KindOf<Name>,
  period: Duration,
): Metric {
  return new Metric({
    namespace: METRICS_NAMESPACE,
    metricName: name,
    dimensionsMap: { [INSTALLATION_DIMENSION]: installation, [KIND_DIMENSION]: kind },
    statistic: 'Sum',
    period,
  })
}

/** All kinds of a count, one line each. */
export function countsOf(installation: string, name: CountName, period: Duration): Metric[] {
  return COUNTS[name].map((kind) => countOf(installation, name, kind, period).with({ label: kind }))
}

/** A measure, by a statistic such as `Maximum` or `p95`. */
export function measureOf(
  installation: string,
  name: MeasureName,
  statistic: string,
  period: Duration,
): Metric {
  return new Metric({
    namespace: METRICS_NAMESPACE,
    metricName: name,
    dimensionsMap: { [INSTALLATION_DIMENSION]: installation },
    statistic,
    period,
  })
}

/** Operations that the functions call. */
const OPERATIONS = [
  Operation.GET_ITEM,
  Operation.BATCH_GET_ITEM,
  Operation.QUERY,
  Operation.PUT_ITEM,
  Operation.UPDATE_ITEM,
  Operation.DELETE_ITEM,
  Operation.BATCH_WRITE_ITEM,
  Operation.TRANSACT_WRITE_ITEMS,
]

/** Requests that DynamoDB throttled. The CDK's own sum has no data unless every operation was throttled in the period. */
export function tableThrottles(table: Table, period: Duration): MathExpression {
  return sumOf(
    OPERATIONS.map((operation) => table.metricThrottledRequestsForOperation(operation, { period })),
    'throttled requests of the table',
    period,
  )
}

/** Sum of the metrics that have data. With `+`, the sum has no data if one of them has none. Alarms do not support SEARCH. */
export function sumOf(metrics: readonly IMetric[], label: string, period: Duration): MathExpression {
  const named = metrics.map((metric, index) => [`m${index}`, metric] as const)
  return new MathExpression({
    expression: `SUM([${named.map(([id]) => id).join(', ')}])`,
    usingMetrics: Object.fromEntries(named),
    label,
    period,
  })
}
