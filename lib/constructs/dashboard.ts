import { Aws, Duration } from 'aws-cdk-lib'
import {
  Dashboard,
  GraphWidget,
  type GraphWidgetProps,
  type IMetric,
  Metric,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch'
import { Construct } from 'constructs'
import type { MeasureName } from '../../src/contract/metrics.ts'
import { countsOf, measureOf, tableThrottles, type Watched } from './engine-metrics.ts'

export interface EngineDashboardProps {
  readonly installation: string
  readonly watched: Watched
}

const PERIOD = Duration.minutes(5)

/** Dashboard of an installation: runs and imports on top, the services below. */
export class EngineDashboard extends Construct {
  constructor(scope: Construct, id: string, { installation, watched }: EngineDashboardProps) {
    super(scope, id)
    const dashboard = new Dashboard(this, 'Dashboard', {
      // The names of dashboards are unique in the account, not per Region.
      dashboardName: `${installation}-${Aws.REGION}`,
      defaultInterval: Duration.days(1),
    })
    dashboard.addWidgets(
      new TextWidget({
        markdown: `# Cytomine App Engine: ${installation}\nWhat to do about an alarm: \`docs/runbook.md\`. Metrics: \`src/contract/metrics.ts\`.`,
        width: 24,
        height: 2,
      }),
    )
    dashboard.addWidgets(...workOf(installation))
    dashboard.addWidgets(...importsOf(installation))
    dashboard.addWidgets(...entrancesOf(watched))
    dashboard.addWidgets(...servicesOf(watched))
  }
}

function graph(
  title: string,
  left: IMetric[],
  rest: Pick<GraphWidgetProps, 'right' | 'stacked'> = {},
): GraphWidget {
  return new GraphWidget({ title, left, ...rest, width: 8, height: 6, leftYAxis: { min: 0 } })
}

function measuresOf(installation: string) {
  return (name: MeasureName, statistic: string): Metric =>
    measureOf(installation, name, statistic, PERIOD).with({ label: `${name} ${statistic}` })
}

function workOf(installation: string): GraphWidget[] {
  const measure = measuresOf(installation)
  return [
    graph('Runs that ended, by result', countsOf(installation, 'RunsEnded', PERIOD), { stacked: true }),
    graph('Active runs; longest time without a change (s)', [measure('ActiveRuns', 'Maximum')], {
      right: [measure('OldestActiveRunSeconds', 'Maximum')],
    }),
    graph('Wait for a machine (s)', [measure('QueueSeconds', 'p50'), measure('QueueSeconds', 'p95')]),
    graph('Job, and its file transfers (s)', [
      measure('JobSeconds', 'p50'),
      measure('JobSeconds', 'p95'),
      measure('StageInSeconds', 'p95'),
      measure('StageOutSeconds', 'p95'),
    ]),
    graph('Cost of runs (USD, estimate)', [measure('RunCost', 'Sum')], {
      right: [measure('RunCost', 'Average')],
    }),
    graph('Repairs by the sweeper', countsOf(installation, 'Repairs', PERIOD), { stacked: true }),
  ]
}

function importsOf(installation: string): GraphWidget[] {
  const measure = measuresOf(installation)
  return [
    graph('Imports, by result', countsOf(installation, 'Imports', PERIOD), { stacked: true }),
    graph('Import (s)', [measure('ImportSeconds', 'p50'), measure('ImportSeconds', 'p95')]),
    graph('Imported bytes', [measure('ImportedBytes', 'Sum')]),
  ]
}

function entrancesOf({ restApi, stagerApi, deadLetters, stateMachines }: Watched): GraphWidget[] {
  const period = { period: PERIOD }
  return [
    // Callers first; except with an emulator, stagers have a separate API.
    graph(
      'APIs: requests, 4xx, 5xx',
      [...new Set([restApi, stagerApi])].flatMap((api) => [
        api.metricCount(period),
        api.metricClientError({ ...period, statistic: 'Sum' }),
        api.metricServerError({ ...period, statistic: 'Sum' }),
      ]),
    ),
    graph('API: latency (ms)', [
      restApi.metricLatency({ ...period, statistic: 'p50' }),
      restApi.metricLatency({ ...period, statistic: 'p95' }),
    ]),
    graph(
      'Dead letters; failed workflows',
      Object.entries(deadLetters).map(([label, queue]) =>
        queue.metricApproximateNumberOfMessagesVisible({ ...period, statistic: 'Maximum', label }),
      ),
      {
        right: stateMachines.flatMap((machine) => [
          machine.metricFailed(period),
          machine.metricTimedOut(period),
        ]),
      },
    ),
  ]
}

function servicesOf({ functions, table }: Watched): GraphWidget[] {
  const each = (metric: 'metricErrors' | 'metricThrottles'): Metric[] =>
    Object.entries(functions).map(([label, one]) => one[metric]({ period: PERIOD, statistic: 'Sum', label }))
  return [
    graph('Functions: errors; throttles', each('metricErrors'), { right: each('metricThrottles') }),
    graph(
      'Functions: duration p95 (ms)',
      Object.entries(functions).map(([label, one]) =>
        one.metricDuration({ period: PERIOD, statistic: 'p95', label }),
      ),
    ),
    graph('Table: throttled requests; Fargate vCPUs of the account', [tableThrottles(table, PERIOD)], {
      right: [fargateVcpus('Standard/OnDemand'), fargateVcpus('Standard/Spot')],
    }),
  ]
}

/** vCPUs on Fargate in the whole account, since Batch has no metrics: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/monitoring-fargate-usage.html */
function fargateVcpus(kind: string): Metric {
  return new Metric({
    namespace: 'AWS/Usage',
    metricName: 'ResourceCount',
    dimensionsMap: { Service: 'Fargate', Type: 'Resource', Resource: 'vCPU', Class: kind },
    statistic: 'Maximum',
    period: PERIOD,
    label: kind,
  })
}
