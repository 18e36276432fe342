import { chargedSeconds, type Machine, priceOf } from '../src/run/job/cost.ts'
import { EACH, type Line, lambda } from './prices.ts'

/*
 * Costs of runs, run sets and their events.
 */

/** Calls by which runs of sets differ from single runs, for one run. */
interface Calls {
  readonly requests: number
  readonly events: number
  /** Changes of the run's items, each of which calls `publish-events`. */
  readonly changes: number
}

/** A single run, half of whose requests are core's polls of its state. */
const SINGLE: Calls = { requests: 40, events: 7, changes: 14 }
/** A run of a set, which is created provisioned, and whose requests are the stager's. */
const IN_A_SET: Calls = { requests: 15, events: 6, changes: 13 }

const STEPS_USD = 6 * lambda(256, 0.3) + lambda(1024, 1)
const TRANSITIONS_USD = 4 * EACH.transition
/** Writes of transactions count twice. */
const TABLE_USD = 40 * EACH.tableWrite + 120 * EACH.tableRead
const BUCKET_USD = 10 * EACH.bucketPut + 20 * EACH.bucketGet
const LOGS_USD = 60e-6 * EACH.logGb

/** Cost of the events of one run. */
function eventsOf({ events, changes }: Calls): readonly Line[] {
  return [
    { what: `${thousands(events)} events on the bus`, usd: events * EACH.busEvent },
    {
      what: `\`publish-events\`: a call for each of ${thousands(changes)} changes (fewer when several come at once)`,
      usd: changes * lambda(512, 0.03),
    },
    { what: `${thousands(changes)} reads of webhooks`, usd: changes * EACH.tableRead },
    { what: 'stream of the table, read by Lambda', usd: 0 },
  ]
}

/** Cost of AWS services for one run, without its job. Calls are counted in the code and its tests; times are rounded up. */
export const AROUND_A_RUN: readonly Line[] = [
  {
    what: `API Gateway: ${SINGLE.requests} requests (half of them polls of the state by core)`,
    usd: SINGLE.requests * EACH.apiRequest,
  },
  { what: `api: ${SINGLE.requests} calls of 1769 MiB and 50 ms`, usd: SINGLE.requests * lambda(1769, 0.05) },
  { what: 'steps: submit, 5 job events, collect; 256 to 1024 MiB', usd: STEPS_USD },
  { what: 'Step Functions: 4 transitions', usd: TRANSITIONS_USD },
  { what: 'DynamoDB: 40 writes of 1 KB, 120 reads', usd: TABLE_USD },
  { what: 'S3: 10 PUT, 20 GET', usd: BUCKET_USD },
  { what: 'logs: 60 KB', usd: LOGS_USD },
  {
    what: `events: ${SINGLE.events} on the bus, ${SINGLE.changes} look-ups of webhooks, ${SINGLE.changes} calls of 512 MiB and 30 ms`,
    usd: sumOf(eventsOf(SINGLE)),
  },
]

function sumOf(lines: readonly Line[]): number {
  return lines.reduce((sum, { usd }) => sum + usd, 0)
}

/** A number of one run as that of 1000 runs, such as `14 000`. */
function thousands(number: number): string {
  return `${number} 000`
}

/** Cost around the machine, by services, for one run. */
function servicesOf(calls: Calls): readonly Line[] {
  return [
    {
      what: `API Gateway and \`api\` (${SINGLE.requests} calls; ${IN_A_SET.requests} of the stager)`,
      usd: calls.requests * (EACH.apiRequest + lambda(1769, 0.05)),
    },
    { what: 'Step Functions', usd: TRANSITIONS_USD },
    { what: 'DynamoDB', usd: TABLE_USD },
    { what: 'S3, steps, logs', usd: BUCKET_USD + STEPS_USD + LOGS_USD },
    { what: 'events', usd: sumOf(eventsOf(calls)) },
  ]
}

/** 1000 runs around the machine, single and in a set, in Markdown. */
export function runSetTable(): readonly string[] {
  const single = servicesOf(SINGLE)
  const inASet = servicesOf(IN_A_SET)
  const cell = (usd: number): string => (1000 * usd).toFixed(3)
  return [
    '| 1 000 runs | single, with core asking | in a set |',
    '| --- | ---: | ---: |',
    ...single.map(({ what, usd }, index) => `| ${what} | ${cell(usd)} | ${cell(inASet[index]?.usd ?? 0)} |`),
    `| **together** | **${cell(sumOf(single))}** | **${cell(sumOf(inASet))}** |`,
  ]
}

/** Events of 1000 single runs, in Markdown. */
export function eventsTable(): readonly string[] {
  const lines = eventsOf(SINGLE)
  const cell = (usd: number): string => (usd === 0 ? '0' : (1000 * usd).toFixed(4))
  return [
    '| 1 000 runs of seven states | dollars |',
    '| --- | ---: |',
    ...lines.map(({ what, usd }) => `| ${what} | ${cell(usd)} |`),
    `| **together** | **${cell(sumOf(lines))}** |`,
  ]
}

interface Example {
  readonly name: string
  readonly machine: Machine
  /** Staging and task, in seconds. */
  readonly jobSeconds: number
  /** Pull of the image, in seconds: Fargate charges for it too. */
  readonly pullSeconds: number
}

/** Pull of 2.2 GB. */
const LARGE_PULL_SECONDS = 75

const STAR_DIST: Example = {
  name: 'a task like StarDist: image of 2.2 GB, 3 CPUs and 15 GiB requested; 10 min',
  machine: { vcpus: 4, memoryGib: 16, diskGib: 21, gpus: 0 },
  jobSeconds: 600,
  pullSeconds: LARGE_PULL_SECONDS,
}

export const EXAMPLES: readonly Example[] = [
  {
    name: 'a small task: 1 CPU and 2 GiB requested; 20 s',
    machine: { vcpus: 2, memoryGib: 4, diskGib: 21, gpus: 0 },
    jobSeconds: 20,
    pullSeconds: 10,
  },
  STAR_DIST,
  {
    name: 'the same with 4 CPUs and 16 GiB requested',
    machine: { vcpus: 8, memoryGib: 20, diskGib: 21, gpus: 0 },
    jobSeconds: 600,
    pullSeconds: LARGE_PULL_SECONDS,
  },
  {
    name: 'the same on a machine with a GPU, 2 min',
    machine: { vcpus: 4, memoryGib: 16, diskGib: 0, gpus: 1 },
    jobSeconds: 120,
    pullSeconds: LARGE_PULL_SECONDS,
  },
]

export function thousandRuns({ machine, jobSeconds, pullSeconds }: Example): Line[] {
  const { vcpus, memoryGib, diskGib } = machine
  return [
    {
      what: `machine of ${vcpus} vCPUs, ${memoryGib} GiB, disk ${diskGib} GiB`,
      usd: 1000 * priceOf(machine, chargedSeconds(jobSeconds + pullSeconds)),
    },
    { what: 'other services', usd: 1000 * sumOf(AROUND_A_RUN) },
  ]
}

/** Parts of a pull that lazy loading saves, by AWS's publications. */
const PUBLISHED_SAVINGS = [
  {
    what: 'all but the 6.4 % of an image that a container needs to start',
    least: 0.936,
    most: 0.936,
    source:
      'study in https://aws.amazon.com/blogs/aws/aws-fargate-enables-faster-container-startup-using-seekable-oci/, where the pull is 76 % of the start',
  },
  {
    what: 'starts up to 50 % faster on Fargate',
    least: 0,
    most: 0.5,
    source:
      "AWS's announcement, quoted by https://technology.amis.nl/serverless/lazy-loading-with-aws-fargate/",
  },
  {
    what: 'starts 30 to 70 % faster in SageMaker Studio',
    least: 0.3,
    most: 0.7,
    source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/soci-indexing.html',
  },
] as const

/** Seconds and dollars that lazy loading would save of the pull of 2.2 GB, as a table in Markdown. */
export function lazyLoadingTable(): readonly string[] {
  const { machine, jobSeconds, pullSeconds } = STAR_DIST
  const usdOf = (seconds: number): number => 1000 * priceOf(machine, seconds)
  const total = sumOf(thousandRuns(STAR_DIST))
  const range = (least: number, most: number, words: (part: number) => string): string =>
    least === most ? words(most) : `${words(least)} to ${words(most)}`
  return [
    '| | seconds of a run | dollars of 1 000 runs | share of their cost | source |',
    '| --- | ---: | ---: | ---: | --- |',
    `| pull of 2.2 GB today, with a job of ${jobSeconds} s | ${pullSeconds} | ${usdOf(pullSeconds).toFixed(2)} of ${total.toFixed(2)} | ${Math.round((100 * usdOf(pullSeconds)) / total)} % | [cost](cost.md#runs) |`,
    ...PUBLISHED_SAVINGS.map(({ what, least, most, source }) => {
      const seconds = range(least, most, (part) => String(Math.round(part * pullSeconds)))
      const usd = range(least, most, (part) => usdOf(part * pullSeconds).toFixed(2))
      const share = range(least, most, (part) =>
        String(Math.round((100 * usdOf(part * pullSeconds)) / total)),
      )
      return `| saved: ${what} | ${seconds} | ${usd} | ${share} % | ${source} |`
    }),
  ]
}
