/*
 * Simulates a run set on AWS second by second, with AWS's published limits. Does not measure anything: the calls and writes of a run are
 * those of docs/cost.md, and the durations of functions are those of the local stack, rounded up.
 */

/** docs/scale.md names the sources. */
const LIMITS = {
  submitsPerSecond: 50,
  launchBurst: 100,
  launchesPerSecond: 20,
  lambdaConcurrency: 1000,
  /** Default quota of most Regions; us-east-1, us-west-2 and eu-west-1 have 5000. */
  transitionsPerSecond: 800,
  /** Limit of one DynamoDB partition. The index of active runs has four. */
  writesPerPartition: 1000,
  /** Limit of the stagers' own API (lib/constructs/rest-api.ts). */
  apiRequestsPerSecond: 1000,
} as const

/**
 * Writes of a change of a run to the index of active runs, of at most 1 KB each: it has the whole item, up to 2 KB, and the change of its
 * sort key removes and adds it.
 */
const MOVE = 4
/** Partitions of the index of active runs. */
const PARTITIONS = 4

/** Calls and writes in each phase of a run. `seconds` is the duration of one call. */
const RUN = {
  submit: { transitions: 2, indexWrites: 3 * MOVE, calls: 1, seconds: 1 },
  launch: { transitions: 0, indexWrites: 3 * MOVE, calls: 4, seconds: 0.3, apiRequests: 8 },
  end: { transitions: 2, indexWrites: MOVE, calls: 2, seconds: 1, apiRequests: 7 },
  /** Pull, start of the containers and stage-in, without the time of the task itself. */
  startSeconds: 60,
} as const

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
}

type Cause = 'vCPUs' | 'concurrency of the set' | 'launches' | 'SubmitJob'

interface Outcome {
  readonly seconds: number
  /** Number of seconds in which runs waited, by cause. */
  readonly waits: ReadonlyMap<Cause, number>
  readonly peaks: Readonly<Record<keyof typeof PEAKS, number>>
}

/** Limits of the quantities that are counted per second. */
const PEAKS = {
  lambda: LIMITS.lambdaConcurrency,
  transitions: LIMITS.transitionsPerSecond,
  indexWrites: LIMITS.writesPerPartition,
  apiRequests: LIMITS.apiRequestsPerSecond,
} as const

function simulate({ runs, taskSeconds, concurrency, runVcpus, vcpus }: Scenario): Outcome {
  const places = Math.floor(vcpus / runVcpus)
  if (places < 1) throw new Error(`a run needs ${runVcpus} vCPUs, but there are only ${vcpus}`)
  const runSeconds = RUN.startSeconds + taskSeconds
  const endsAt = new Map<number, number>()
  const waits = new Map<Cause, number>()
  const peaks = { lambda: 0, transitions: 0, indexWrites: 0, apiRequests: 0 }
  let [waiting, submitted, running, ended] = [runs, 0, 0, 0]
  let launchTokens: number = LIMITS.launchBurst
  let second = 0
  for (; ended < runs; second += 1) {
    const ends = endsAt.get(second) ?? 0
    running -= ends
    ended += ends
    launchTokens = Math.min(LIMITS.launchBurst, launchTokens + LIMITS.launchesPerSecond)
    const launches = Math.min(submitted, launchTokens, places - running)
    launchTokens -= launches
    submitted -= launches
    running += launches
    if (launches > 0) endsAt.set(second + runSeconds, launches)
    const submits = Math.min(waiting, LIMITS.submitsPerSecond, concurrency - submitted - running)
    waiting -= submits
    submitted += submits

    const cause = causeOf()
    if (cause !== undefined) waits.set(cause, (waits.get(cause) ?? 0) + 1)
    const phases = [
      { count: submits, ...RUN.submit, apiRequests: 0 },
      { count: launches, ...RUN.launch },
      { count: ends, ...RUN.end },
    ]
    const sum = (of: (phase: (typeof phases)[number]) => number): number =>
      phases.reduce((total, phase) => total + phase.count * of(phase), 0)
    const now = {
      lambda: sum(({ calls, seconds, apiRequests }) => calls * seconds + apiRequests * 0.2),
      transitions: sum(({ transitions }) => transitions),
      indexWrites: sum(({ indexWrites }) => indexWrites) / PARTITIONS,
      apiRequests: sum(({ apiRequests }) => apiRequests),
    }
    for (const key of Object.keys(peaks) as (keyof typeof peaks)[])
      peaks[key] = Math.max(peaks[key], now[key])

    /** Returns the limit that delays runs at the end of this second. */
    function causeOf(): Cause | undefined {
      if (submitted > 0) return running >= places ? 'vCPUs' : 'launches'
      if (waiting === 0) return undefined
      return submitted + running >= concurrency ? 'concurrency of the set' : 'SubmitJob'
    }
  }
  return { seconds: second, waits, peaks }
}

/** Table of the scenarios that docs/scale.md shows, in Markdown. */
export function simulationTable(set: SimulatedSet): readonly string[] {
  return [
    '| | hours | waits, share of the time | concurrent Lambda calls | transitions/s | writes/s of an index partition | API requests/s |',
    '| --- | ---: | --- | ---: | ---: | ---: | ---: |',
    ...scenariosOf(set).map(rowOf),
  ]
}

function rowOf(scenario: Scenario): string {
  const { seconds, waits, peaks } = simulate(scenario)
  const shares = [...waits].map(([cause, count]) => `${cause} ${Math.round((100 * count) / seconds)} %`)
  const values = (Object.keys(PEAKS) as (keyof typeof PEAKS)[]).map(
    (key) => `${Math.ceil(peaks[key])} of ${PEAKS[key]}`,
  )
  return `| ${[scenario.name, (seconds / 3600).toFixed(2), shares.join(', ') || 'none', ...values].join(' | ')} |`
}

function scenariosOf(set: SimulatedSet): readonly Scenario[] {
  return [
    { ...set, name: 'a new account: 6 vCPUs', vcpus: 6 },
    { ...set, name: 'the default queue: 256 vCPUs', vcpus: 256 },
    { ...set, name: '2 000 vCPUs', vcpus: 2000 },
    { ...set, name: '20 000 vCPUs', vcpus: 20_000 },
    { ...set, name: '20 000 vCPUs, no maximum of the set', vcpus: 20_000, concurrency: set.runs },
    {
      ...set,
      name: 'the same, tasks of one second',
      vcpus: 20_000,
      concurrency: set.runs,
      taskSeconds: 1,
    },
  ]
}
