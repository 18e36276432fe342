import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { buildEngine } from '../lib/engine.ts'
import { stageNamed } from '../lib/stages.ts'
import { COUNTS, MEASURES, SWEEP_MEASURES } from '../src/contract/metrics.ts'
import { PRICES } from '../src/run/job/cost.ts'
import {
  AROUND_A_RUN,
  EXAMPLES,
  eventsTable,
  lazyLoadingTable,
  runSetTable,
  thousandRuns,
} from './cost-of-runs.ts'
import { EACH, HOURS, type Line, lambda, PER_MONTH } from './prices.ts'

/*
 * Prints the tables of docs/cost.md: the cost of an idle installation, computed from its templates, and the cost of runs and
 * imports; and the prices of docs/scale.md.
 */

const PRODUCTION = stageNamed('production', {})

function print(title: string, lines: readonly Line[], digits = 2): void {
  const total = lines.reduce((sum, { usd }) => sum + usd, 0)
  console.log(`\n${title}`)
  for (const { what, usd } of [...lines, { what: 'total', usd: total }]) {
    console.log(`  ${what.padEnd(68)} ${usd.toFixed(digits).padStart(9)}`)
  }
}

function printTable(title: string, rows: readonly string[]): void {
  console.log(`\n${title}\n${rows.join('\n')}`)
}

interface Resource {
  readonly Type: string
  readonly Properties: Record<string, unknown>
}

/** Resources in the templates of a production stage. */
function resources(): readonly Resource[] {
  const app = new App({ analyticsReporting: false, context: { 'aws:cdk:bundling-stacks': [] } })
  const stacks = Object.values(buildEngine(app, PRODUCTION))
  return stacks.flatMap((stack) => {
    const found: Record<string, Resource> = Template.fromStack(stack).toJSON().Resources
    return Object.values(found)
  })
}

/** Cost of a month without runs. */
function idle(): Line[] {
  const all = resources()
  const ofType = (type: string) => all.filter(({ Type }) => Type === type)
  const endpoints = ofType('AWS::EC2::VPCEndpoint').filter(
    ({ Properties }) => Properties.VpcEndpointType === 'Interface',
  )
  const zones = endpoints.map(({ Properties }) => (Properties.SubnetIds as readonly unknown[]).length)
  const endpointZones = zones.reduce((sum, one) => sum + one, 0)
  const alarmMetrics = ofType('AWS::CloudWatch::Alarm')
    .map(({ Properties }) => {
      const metrics = Properties.Metrics as readonly { readonly MetricStat?: unknown }[] | undefined
      return metrics === undefined ? 1 : metrics.filter(({ MetricStat }) => MetricStat !== undefined).length
    })
    .reduce((sum, one) => sum + one, 0)
  const keys = ofType('AWS::KMS::Key').length
  const dashboards = ofType('AWS::CloudWatch::Dashboard').length
  const sweeps = (HOURS * 60) / PRODUCTION.sweep.everyMinutes
  // Lambda polls by five pollers, each of which waits for 20 s (Lambda's guide, Using Lambda with Amazon SQS).
  const polls = (HOURS * 3600 * 5) / 20
  return [
    {
      what: `${endpoints.length} interface endpoints, ${endpointZones} endpoint-zones`,
      usd: endpointZones * PER_MONTH.interfaceEndpointPerZone,
    },
    { what: `${alarmMetrics} metrics of alarms`, usd: alarmMetrics * PER_MONTH.alarmMetric },
    { what: `${dashboards} dashboard`, usd: dashboards * PER_MONTH.dashboard },
    { what: `${keys} KMS key(s)`, usd: keys * PER_MONTH.key },
    {
      what: `${SWEEP_MEASURES.length} metrics of the sweeper`,
      usd: SWEEP_MEASURES.length * PER_MONTH.customMetric,
    },
    { what: `${sweeps} sweeps of 512 MiB and 1 s`, usd: sweeps * lambda(512, 1) },
    { what: `${polls} polls of the queue of webhooks by Lambda`, usd: polls * EACH.fifoRequest },
  ]
}

/** Cost of one import of a bundle of 2.2 GB, and of its storage. */
function anImport(): Line[] {
  const gigabytes = 2.2
  return [
    { what: 'import-bundle: 3538 MiB, 100 s', usd: lambda(3538, 100) },
    { what: 'S3: 140 parts in, 300 ranges out', usd: 140 * EACH.bucketPut + 300 * EACH.bucketGet },
    { what: 'image in ECR, a month', usd: gigabytes * PER_MONTH.registryGb },
  ]
}

console.log(`prices of ${PRICES.date}, us-east-1, on demand, US dollars`)
print('a month without a run', idle())
print('metrics of a month with all kinds of ends (the maximum)', [
  {
    what: `${Object.values(COUNTS).flat().length} kinds of counts, ${Object.keys(MEASURES).length} measures`,
    usd: (Object.values(COUNTS).flat().length + Object.keys(MEASURES).length) * PER_MONTH.customMetric,
  },
])
print('services for one run, without its job', AROUND_A_RUN, 6)
for (const example of EXAMPLES) print(`1000 runs of ${example.name}`, thousandRuns(example))
printTable('1000 runs around the machine, Markdown of docs/cost.md', runSetTable())
printTable('events of 1000 runs, Markdown of docs/cost.md', eventsTable())
printTable('pull of 1000 runs of 2.2 GB, Markdown of docs/scale.md', lazyLoadingTable())
print('one import of a bundle of 2.2 GB', anImport(), 4)
print('100 GB of inputs and outputs, and 1 GB of table, a month', [
  { what: '100 GB in S3', usd: 100 * PER_MONTH.bucketGb },
  { what: '1 GB in DynamoDB with its backups', usd: PER_MONTH.tableGb + PER_MONTH.tableBackupGb },
])
