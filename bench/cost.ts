import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { buildEngine } from '../lib/engine.ts'
import { stageNamed } from '../lib/stages.ts'
import { COUNTS, MEASURES, SWEEP_MEASURES } from '../src/contract/metrics.ts'
import { chargedSeconds, type Machine, PRICES, priceOf } from '../src/run/job/cost.ts'

/*
 * Prints the tables of docs/cost.md: the cost of an idle installation, computed from its templates, and the cost of runs and
 * imports. The prices are on-demand prices of us-east-1 in US dollars; docs/cost.md names the source of each.
 */

const HOURS = 730
const PRODUCTION = stageNamed('production', {})

const PER_MONTH = {
  interfaceEndpointPerZone: 0.01 * HOURS,
  alarmMetric: 0.1,
  customMetric: 0.3,
  dashboard: 3,
  key: 1,
  registryGb: 0.1,
  bucketGb: 0.023,
  tableGb: 0.25,
  /** Point-in-time backups, which are kept for 35 days. */
  tableBackupGb: 0.2,
} as const

const EACH = {
  apiRequest: 3.5e-6,
  lambdaRequest: 0.2e-6,
  /** On ARM. */
  lambdaGbSecond: 0.0000133334,
  transition: 0.025e-3,
  tableWrite: 0.625e-6,
  tableRead: 0.125e-6,
  busEvent: 1e-6,
  fifoRequest: 0.5e-6,
  bucketPut: 5e-6,
  bucketGet: 0.4e-6,
  logGb: 0.5,
} as const

interface Line {
  readonly what: string
  readonly usd: number
}

function print(title: string, lines: readonly Line[], digits = 2): void {
  const total = lines.reduce((sum, { usd }) => sum + usd, 0)
  console.log(`\n${title}`)
  for (const { what, usd } of [...lines, { what: 'total', usd: total }]) {
    console.log(`  ${what.padEnd(68)} ${usd.toFixed(digits).padStart(9)}`)
  }
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

function lambda(memoryMib: number, seconds: number): number {
  return EACH.lambdaRequest + (memoryMib / 1024) * seconds * EACH.lambdaGbSecond
}

/** Cost of AWS services for one run, without its job. Calls are counted in the code and its tests; times are rounded up. */
const AROUND_A_RUN: readonly Line[] = [
  { what: 'API Gateway: 40 requests (half of them polls of the state by core)', usd: 40 * EACH.apiRequest },
  { what: 'api: 40 calls of 1769 MiB and 50 ms', usd: 40 * lambda(1769, 0.05) },
  {
    what: 'steps: submit, 5 job events, collect; 256 to 1024 MiB',
    usd: 6 * lambda(256, 0.3) + lambda(1024, 1),
  },
  { what: 'Step Functions: 4 transitions', usd: 4 * EACH.transition },
  { what: 'DynamoDB: 40 writes of 1 KB, 120 reads', usd: 40 * EACH.tableWrite + 120 * EACH.tableRead },
  { what: 'S3: 10 PUT, 20 GET', usd: 10 * EACH.bucketPut + 20 * EACH.bucketGet },
  { what: 'logs: 60 KB', usd: 60e-6 * EACH.logGb },
  {
    what: 'events: 7 on the bus, 14 look-ups of webhooks, 14 calls of 512 MiB and 30 ms',
    usd: 7 * EACH.busEvent + 14 * EACH.tableRead + 14 * lambda(512, 0.03),
  },
]

interface Example {
  readonly name: string
  readonly machine: Machine
  /** Staging and task, in seconds. */
  readonly jobSeconds: number
  /** Pull of the image, in seconds: Fargate charges for it too. */
  readonly pullSeconds: number
}

const EXAMPLES: readonly Example[] = [
  {
    name: 'a small task: 1 CPU and 2 GiB requested; 20 s',
    machine: { vcpus: 2, memoryGib: 4, diskGib: 21, gpus: 0 },
    jobSeconds: 20,
    pullSeconds: 10,
  },
  {
    name: 'a task like StarDist: image of 2.2 GB, 3 CPUs and 15 GiB requested; 10 min',
    machine: { vcpus: 4, memoryGib: 16, diskGib: 21, gpus: 0 },
    jobSeconds: 600,
    pullSeconds: 75,
  },
  {
    name: 'the same with 4 CPUs and 16 GiB requested',
    machine: { vcpus: 8, memoryGib: 20, diskGib: 21, gpus: 0 },
    jobSeconds: 600,
    pullSeconds: 75,
  },
  {
    name: 'the same on a machine with a GPU, 2 min',
    machine: { vcpus: 4, memoryGib: 16, diskGib: 0, gpus: 1 },
    jobSeconds: 120,
    pullSeconds: 75,
  },
]

function thousandRuns({ machine, jobSeconds, pullSeconds }: Example): Line[] {
  const around = AROUND_A_RUN.reduce((sum, { usd }) => sum + usd, 0)
  const { vcpus, memoryGib, diskGib } = machine
  return [
    {
      what: `machine of ${vcpus} vCPUs, ${memoryGib} GiB, disk ${diskGib} GiB`,
      usd: 1000 * priceOf(machine, chargedSeconds(jobSeconds + pullSeconds)),
    },
    { what: 'other services', usd: 1000 * around },
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
print('one import of a bundle of 2.2 GB', anImport(), 4)
print('100 GB of inputs and outputs, and 1 GB of table, a month', [
  { what: '100 GB in S3', usd: 100 * PER_MONTH.bucketGb },
  { what: '1 GB in DynamoDB with its backups', usd: PER_MONTH.tableGb + PER_MONTH.tableBackupGb },
])
