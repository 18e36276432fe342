/*
 * Runs the example task many times on a separate local stack with random faults. Then checks that every run has ended correctly and that
 * no resources are left over:
 *
 *   npm run test:faults [-- [--runs <number>] [--seed <number>] [--keep]]
 *
 * A seed reproduces the runs with their cancellations and deletions, the fault of the nth call of each operation, the fault of the nth
 * event, and the times between two kills of the Batch server. It does not reproduce scheduling: which run sends the nth call, and whether
 * a function's process can be killed. An error that depends on the order of calls may need several attempts or more runs to recur.
 * `--keep` keeps the logs and data in `.local/faults-…`.
 *
 * Exits with 1 when a check fails. Reads /proc, so it runs on Linux only.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { FAULT_MARK } from '../../local/batch/faults.ts'
import { createSeededRandom, type RandomSource } from '../../local/batch/seeded-random.ts'
import { type LocalStack, startTemporaryStack } from '../../local/stack.ts'
import { createProgress } from '../../src/shared/progress.ts'
import { type EndedRun, endOf, findViolations } from './check-runs.ts'
import { disturb, sweepNow } from './disturbances.ts'
import { type DisturbedSets, ROWS, startSets } from './disturbed-sets.ts'
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.ts'
import { createPersistentClient } from './persistent-client.ts'
import { planRuns, type RunPlan, TASKS } from './run-plan.ts'
import { createStateReader } from './stack-state.ts'

const PROJECT = join(import.meta.dirname, '../..')
const DEFAULT_SEED = 2026

/** Number of concurrently active runs. Exceeds the capacity of the Batch server, so that runs go through all states. */
const WAVE = 40
/** Clients that start runs. */
const CLIENTS = 4
const POLL_MS = 1000
/** Time limit of all runs is the sum of these. 300 runs take two minutes on two idle processors, and ten times that under other load. */
const MAX_START_MS = 300_000
const MAX_PER_RUN_MS = 5000
/** Time limit from the last fault until no run is active: several grace periods of the sweeper (30 s), but not its step limit (5 min). */
const MAX_RECOVERY_MS = 180_000

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(DEFAULT_SEED) },
    keep: { type: 'boolean', default: false },
  },
})
const RUNS = Number(options.runs)
const SEED = Number(options.seed)
if (!Number.isSafeInteger(RUNS) || RUNS < 1 || !Number.isSafeInteger(SEED)) {
  throw new Error('--runs and --seed take whole numbers')
}

// The Batch server inherits this variable. More concurrent jobs than processors, because many wait for a delayed answer.
process.env.CAPACITY ??= '4'
const progress = createProgress(process.stdout)
const instance = `faults-${randomBytes(4).toString('hex')}`
const directory = join(PROJECT, '.local', instance)
const startedAt = Date.now()
console.log(`${RUNS} runs, seed ${SEED}`)

const random = createSeededRandom(SEED)
const proxy = await startFaultyProxy(random)
let wrongs: readonly string[] = ['the test was interrupted']
try {
  await using stack = await startTemporaryStack({
    instance,
    progress,
    keepsFolder: options.keep,
    s3Through: async (url: string) => proxy.setTarget('s3', url),
    functionsThrough: async (url: string) => proxy.setTarget('others', url),
  })
  wrongs = await test(stack, proxy, random)
} finally {
  proxy.stop()
  for (const wrong of wrongs) console.log(`WRONG: ${wrong}`)
  const words =
    wrongs.length === 0
      ? 'no faults found'
      : `${wrongs.length} faults found; repeat by npm run test:faults -- --runs ${RUNS} --seed ${SEED}`
  console.log(`${words}, after ${Math.round((Date.now() - startedAt) / 1000)} s`)
  process.exitCode = wrongs.length === 0 ? 0 : 1
}

async function test(stack: LocalStack, proxy: FaultyProxy, random: RandomSource): Promise<readonly string[]> {
  for (const { bundle } of Object.values(TASKS)) await install(stack, bundle)
  const stateReader = createStateReader(stack)
  const started = new Map<RunPlan, string>()
  const end = await disturb(stack, proxy, { seed: SEED, random })
  let sets: DisturbedSets
  try {
    sets = await startSets(stack, { runs: RUNS, seed: SEED })
    await progress.step(`${RUNS} runs, and sets with ${ROWS}, disturbed`, (tell) =>
      startAll(stack, stateReader, started, tell),
    )
    await sets.disturbed()
  } finally {
    await end()
  }
  await progress.step('the sweeper cleared up', () => recover(stack, stateReader))
  const wrongSets = await progress.step('the sets ended', () => sets.end(started))
  const runs = await progress.step('outputs read', () => readAll(stack, started))
  report(runs, proxy)
  return [...findViolations(runs, sets.deleted, await stateReader.look()), ...wrongSets]
}

async function install({ baseUrl }: LocalStack, bundle: string): Promise<void> {
  const form = new FormData()
  form.append('task', new Blob([readFileSync(join(PROJECT, bundle))]), 'bundle.zip')
  const answer = await fetch(new URL('tasks', baseUrl), { method: 'POST', body: form })
  if (!answer.ok) throw new Error(`upload of ${bundle}: ${answer.status} ${await answer.text()}`)
}

type StateReader = ReturnType<typeof createStateReader>

/**
 * Starts all runs, with a limited number of concurrently active ones, and waits until few are active.
 * @throws Error when the time limit is exceeded
 */
async function startAll(
  stack: LocalStack,
  stateReader: StateReader,
  started: Map<RunPlan, string>,
  tell: (detail: string) => void,
): Promise<void> {
  const client = createPersistentClient(stack.baseUrl)
  const plans = [...planRuns(RUNS, random)]
  const treatments: Promise<unknown>[] = []
  const giveUpAt = Date.now() + MAX_START_MS + RUNS * MAX_PER_RUN_MS
  let active = 0
  let isOver = false

  async function startSome(): Promise<void> {
    for (let plan = plans.shift(); plan !== undefined; plan = plans.shift()) {
      while (active >= WAVE && !isOver) await pause(POLL_MS / 10)
      if (isOver) return
      active += 1
      const id = await client.start(plan)
      started.set(plan, id)
      treatments.push(treat(plan, id).catch((error: unknown) => error))
    }
  }
  async function treat({ intent, disturbAfterMs }: RunPlan, id: string): Promise<void> {
    if (intent !== 'cancel' && intent !== 'delete') return
    await pause(disturbAfterMs)
    await (intent === 'cancel' ? client.cancel(id) : client.remove(id))
  }
  async function watch(): Promise<void> {
    do {
      await pause(POLL_MS)
      active = await stateReader.countActive()
      tell(`${started.size} started, ${active} active`)
      if (Date.now() > giveUpAt) throw new Error(`${active} runs are still active at the time limit`)
    } while (!isOver && (started.size < RUNS || active > WAVE / 4))
  }

  try {
    await Promise.all([watch(), ...Array.from({ length: CLIENTS }, startSome)])
  } finally {
    isOver = true
  }
  const problem = (await Promise.all(treatments)).find((outcome) => outcome !== undefined)
  if (problem !== undefined) throw problem
}

/** Sweeps until no run is active. */
async function recover(stack: LocalStack, stateReader: StateReader): Promise<void> {
  const giveUpAt = Date.now() + MAX_RECOVERY_MS
  do {
    await sweepNow(stack)
    if (await stateReader.isQuiet()) return
    await pause(POLL_MS)
  } while (Date.now() < giveUpAt)
}

async function readAll(stack: LocalStack, started: ReadonlyMap<RunPlan, string>): Promise<EndedRun[]> {
  const client = createPersistentClient(stack.baseUrl)
  const waiting = [...started]
  const ended: EndedRun[] = []
  async function readSome(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [plan, id] = next
      const view = await client.view(id)
      if (view?.state !== 'FINISHED') ended.push({ plan, id, view })
      else ended.push({ plan, id, view, outputs: await client.outputs(id).catch((error: Error) => error) })
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, readSome))
  return ended
}

function report(runs: readonly EndedRun[], proxy: FaultyProxy): void {
  const batchFaults = readFileSync(join(directory, 'log/batch.log'), 'utf8').matchAll(
    new RegExp(`${FAULT_MARK}(.+)`, 'gu'),
  )
  print('faults of the Batch server', count([...batchFaults].map(([, fault = '']) => fault)))
  print('faults of other calls', proxy.struck)
  print('ends of the runs', count(runs.map((run) => `${run.plan.intent}: ${endOf(run)}`)))
}

function count(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

function print(title: string, counts: ReadonlyMap<string, number>): void {
  const sum = [...counts.values()].reduce((one, other) => one + other, 0)
  console.log(`${title}: ${sum}`)
  for (const [name, number] of [...counts].sort()) console.log(`  ${String(number).padStart(5)} ${name}`)
}
