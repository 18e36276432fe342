import {
  LAUNCHES,
  NETWORK_INTERFACES,
  RATE_KEYS,
  RATES,
  type Rate,
  type RateKey,
  START_SECONDS,
  SUBMITS_PER_SECOND,
} from './simulation-limits.ts'

/*
 * Simulates a run set on AWS second by second, with the limits of bench/simulation-limits.ts. Does not measure anything.
 */

/** A set of equal runs. */
export interface SimulatedSet {
  readonly runs: number
  readonly taskSeconds: number
  readonly concurrency: number
  readonly runVcpus: number
}

/** The set that docs/scale.md shows. */
export const DOCUMENTED_SET: SimulatedSet = {
  runs: 10_000,
  taskSeconds: 300,
  concurrency: 1000,
  runVcpus: 2,
}

interface Scenario extends SimulatedSet {
  readonly name: string
  /** The queue's `maxVcpus` or the account's Fargate quota, whichever is smaller. */
  readonly vcpus: number
  /** Quota of the account. */
  readonly lambdaConcurrency?: number
}

type Cause = 'vCPUs' | 'network interfaces' | 'concurrency of the set' | 'launches' | 'SubmitJob'

/** Use of one rate. */
interface Use {
  readonly limit: number
  /** Most calls in one second. */
  readonly peak: number
  /** Longest delay of a call when refused calls are repeated in order. */
  readonly delaySeconds: number
}

interface Outcome {
  readonly seconds: number
  /** Number of seconds in which runs waited, by cause. */
  readonly waits: ReadonlyMap<Cause, number>
  readonly uses: Readonly<Record<RateKey, Use>>
}

/** Counts of runs that change their state in one second. */
interface Changes {
  readonly submits: number
  readonly launches: number
  readonly ends: number
}

function simulate(scenario: Scenario): Outcome {
  const { runs, taskSeconds, concurrency, runVcpus, vcpus } = scenario
  const machines = Math.floor(vcpus / runVcpus)
  if (machines < 1) throw new Error(`a run needs ${runVcpus} vCPUs, but there are only ${vcpus}`)
  const places = Math.min(machines, NETWORK_INTERFACES)
  const runSeconds = START_SECONDS + taskSeconds
  const endsAt = new Map<number, number>()
  const waits = new Map<Cause, number>()
  const meter = createMeter(scenario)
  let [waiting, submitted, running, ended] = [runs, 0, 0, 0]
  let launchTokens: number = LAUNCHES.burst
  let second = 0
  for (; ended < runs; second += 1) {
    const ends = endsAt.get(second) ?? 0
    running -= ends
    ended += ends
    launchTokens = Math.min(LAUNCHES.burst, launchTokens + LAUNCHES.perSecond)
    const launches = Math.min(submitted, launchTokens, places - running)
    launchTokens -= launches
    submitted -= launches
    running += launches
    if (launches > 0) endsAt.set(second + runSeconds, launches)
    const submits = Math.min(waiting, SUBMITS_PER_SECOND, concurrency - submitted - running)
    waiting -= submits
    submitted += submits

    const cause = causeOf()
    if (cause !== undefined) waits.set(cause, (waits.get(cause) ?? 0) + 1)
    meter.add({ submits, launches, ends })

    /** Returns the limit that delays runs at the end of this second. */
    function causeOf(): Cause | undefined {
      if (submitted > 0) {
        if (running < places) return 'launches'
        return places < machines ? 'network interfaces' : 'vCPUs'
      }
      if (waiting === 0) return undefined
      return submitted + running >= concurrency ? 'concurrency of the set' : 'SubmitJob'
    }
  }
  return { seconds: second, waits, uses: meter.uses() }
}

function createMeter({ lambdaConcurrency = RATES.lambda.limit }: Scenario) {
  const meters = RATE_KEYS.map((key) => {
    const rate: Rate = RATES[key]
    const limit = key === 'lambda' ? lambdaConcurrency : rate.limit
    return { key, rate, limit, peak: 0, backlog: 0, delaySeconds: 0 }
  })
  return {
    add({ submits, launches, ends }: Changes): void {
      for (const meter of meters) {
        const { rate, limit } = meter
        const calls = submits * rate.submit + launches * rate.launch + ends * rate.end
        meter.peak = Math.max(meter.peak, calls)
        meter.backlog = Math.max(0, meter.backlog + calls - limit)
        meter.delaySeconds = Math.max(meter.delaySeconds, meter.backlog / limit)
      }
    },
    uses: () =>
      Object.fromEntries(
        meters.map(({ key, limit, peak, delaySeconds }) => [
          key,
          { limit, peak: Math.ceil(peak), delaySeconds: Math.ceil(delaySeconds) },
        ]),
      ) as Record<RateKey, Use>,
  }
}

/** Table of the scenarios that docs/scale.md shows, in Markdown. */
export function simulationTable(set: SimulatedSet): readonly string[] {
  return [
    '| | hours | waits, share of the time | calls over a limit, longest delay | may fail runs |',
    '| --- | ---: | --- | --- | --- |',
    ...scenariosOf(set).map(rowOf),
  ]
}

function rowOf(scenario: Scenario): string {
  const { seconds, waits, uses } = simulate(scenario)
  const shares = [...waits].map(([cause, count]) => `${cause} ${Math.round((100 * count) / seconds)} %`)
  const delayed = RATE_KEYS.filter((key) => uses[key].delaySeconds > 0)
  const delays = delayed.map((key) => `${RATES[key].name} ${uses[key].delaySeconds} s`)
  const failing = delayed.filter((key) => {
    const { failsAfterSeconds = Number.POSITIVE_INFINITY }: Rate = RATES[key]
    return uses[key].delaySeconds > failsAfterSeconds
  })
  const cells = [shares, delays, failing.map((key) => RATES[key].name)]
  const words = cells.map((cell) => cell.join(', ') || 'none')
  return `| ${[scenario.name, (seconds / 3600).toFixed(2), ...words].join(' | ')} |`
}

/** Table of the peaks of each rate in some scenarios, in Markdown. */
export function peaksTable(set: SimulatedSet): readonly string[] {
  const outcomes = scenariosOf(set)
    .filter(({ isPeak }) => isPeak)
    .map((scenario) => ({ name: scenario.name, ...simulate(scenario) }))
  return [
    `| a second | limit | ${outcomes.map(({ name }) => name).join(' | ')} | a refused call | source of the limit |`,
    `| --- | ---: | ${outcomes.map(() => '---:').join(' | ')} | --- | --- |`,
    ...RATE_KEYS.map((key) => {
      const { name, limit, refusal, source } = RATES[key]
      const peaks = outcomes.map(({ uses }) => String(uses[key].peak))
      return `| ${[name, limit, ...peaks, refusal, source].join(' | ')} |`
    }),
  ]
}

function scenariosOf(set: SimulatedSet): readonly (Scenario & { readonly isPeak?: boolean })[] {
  return [
    { ...set, name: 'a new account: 6 vCPUs, 10 Lambda calls', vcpus: 6, lambdaConcurrency: 10 },
    { ...set, name: 'the default queue: 256 vCPUs', vcpus: 256, isPeak: true },
    { ...set, name: '2 000 vCPUs', vcpus: 2000 },
    { ...set, name: '20 000 vCPUs', vcpus: 20_000 },
    {
      ...set,
      name: '20 000 vCPUs, no maximum of the set',
      vcpus: 20_000,
      concurrency: set.runs,
      isPeak: true,
    },
    {
      ...set,
      name: 'the same, tasks of one second',
      vcpus: 20_000,
      concurrency: set.runs,
      taskSeconds: 1,
      isPeak: true,
    },
  ]
}
