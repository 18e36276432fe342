import type { JobUsage } from '../run.ts'
import type { JobDetail } from './job-outcome.ts'

/**
 * On-demand prices of Fargate (Linux, x86, us-east-1) in US dollars an hour: https://aws.amazon.com/fargate/pricing/. Other Regions, spot,
 * savings plans and EC2 differ, so costs are estimates that compare tasks and runs.
 */
export const PRICES = {
  date: '2026-06-17',
  vcpuHour: 0.04048,
  memoryGibHour: 0.004445,
  diskGibHour: 0.000111,
  /** Price of a g4dn.xlarge (0.526) less its 4 vCPUs and 16 GiB at the prices above. */
  gpuHour: 0.293,
} as const

/** Fargate's free disk size and minimum charged time. */
const FREE_DISK_GIB = 20
const MIN_SECONDS = 60

const MIB_IN_GIB = 1024
const HOUR = 3600

/** Resources of a job's machine. */
export interface Machine {
  readonly vcpus: number
  readonly memoryGib: number
  readonly diskGib: number
  readonly gpus: number
}

/** US dollars for a machine and a time. */
export function priceOf({ vcpus, memoryGib, diskGib, gpus }: Machine, seconds: number): number {
  const hourly =
    vcpus * PRICES.vcpuHour +
    memoryGib * PRICES.memoryGibHour +
    Math.max(0, diskGib - FREE_DISK_GIB) * PRICES.diskGibHour +
    gpus * PRICES.gpuHour
  return (hourly * seconds) / HOUR
}

/** Charged seconds of one job attempt. */
export function chargedSeconds(seconds: number): number {
  return Math.max(MIN_SECONDS, seconds)
}

/**
 * Usage of an ended job by Batch's timestamps; undefined when no container of it ran. Does not include the image pull, which Fargate
 * charges too, because it comes before these timestamps.
 */
export function usageOf(job: JobDetail): JobUsage | undefined {
  const spans = job.attempts.flatMap(({ startedAt, stoppedAt }) =>
    startedAt === undefined || stoppedAt === undefined ? [] : [{ startedAt, stoppedAt }],
  )
  const [first] = spans
  if (first === undefined) return undefined
  const machine = machineOf(job)
  const seconds = spans.map(({ startedAt, stoppedAt }) => Math.max(0, stoppedAt - startedAt) / 1000)
  const charged = seconds.map(chargedSeconds).reduce((sum, one) => sum + one, 0)
  return {
    queueSeconds: rounded(Math.max(0, first.startedAt - (job.createdAt ?? first.startedAt)) / 1000, 3),
    jobSeconds: rounded(
      seconds.reduce((sum, one) => sum + one, 0),
      3,
    ),
    vcpuSeconds: rounded(machine.vcpus * charged, 3),
    memoryGibSeconds: rounded(machine.memoryGib * charged, 3),
    diskGibSeconds: rounded(Math.max(0, machine.diskGib - FREE_DISK_GIB) * charged, 3),
    gpuSeconds: rounded(machine.gpus * charged, 3),
    usd: rounded(priceOf(machine, charged), 6),
    pricesOf: PRICES.date,
  }
}

/** Sum of all containers' shares; on Fargate it is the charged size. */
function machineOf({ ecsProperties }: JobDetail): Machine {
  const tasks = ecsProperties?.taskProperties ?? []
  const requirements = tasks
    .flatMap(({ containers }) => containers)
    .flatMap((one) => one.resourceRequirements ?? [])
  const sum = (type: string): number =>
    requirements.filter((one) => one.type === type).reduce((total, { value }) => total + Number(value), 0)
  return {
    vcpus: sum('VCPU'),
    memoryGib: sum('MEMORY') / MIB_IN_GIB,
    diskGib: Math.max(0, ...tasks.map(({ ephemeralStorage }) => ephemeralStorage?.sizeInGiB ?? 0)),
    gpus: sum('GPU'),
  }
}

/** Rounds a stored value, so that conditions that compare it do not depend on floating-point noise. */
function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
