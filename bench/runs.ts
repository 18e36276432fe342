/*
 * Starts many runs of the example task on a separate local stack, and waits until all have ended:
 *
 *   npm run bench:runs [-- [--runs 1000] [--container real|process] [--clients 16] [--keep]]
 *
 * `--container process` replaces the task's container by a cheap process with the same outputs (bench/add-and-echo.sh): a container needs
 * about one second of processor time, but this bench measures the service. Staging takes two processes per run in both cases. Each client
 * creates, provisions and starts one run after the other. No run is read before all have ended. Exits with 1 when a run does not end
 * FINISHED or has unexpected outputs. `--keep` keeps the logs and data in `.local/bench-…`. Reads /proc, so it runs on Linux only.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import * as z from 'zod'
import { createExampleClient, type ExampleClient } from '../cli/example-client.ts'
import { type LocalStack, startTemporaryStack } from '../local/stack.ts'
import { createProgress } from '../src/shared/progress.ts'
import { createStateReader } from '../test/faults/stack-state.ts'
import { quantile } from './quantile.ts'
import { watchStack } from './stack-watch.ts'

const PROJECT = join(import.meta.dirname, '..')
const BUNDLE = join(PROJECT, 'examples/add-and-echo/add-and-echo.zip')
/** Command that replaces the container. The Batch server replaces `/inputs` and `/outputs` by the folders of the run. */
const TASK_PROCESS = ['sh', join(import.meta.dirname, 'add-and-echo.sh'), '/inputs', '/outputs']

const POLL_MS = 2000
/** Time limit of all runs is the sum of these: several times the duration on two processors with other load. */
const MAX_MS = 600_000
const MAX_PER_RUN_MS = 10_000
/** Maximum number of faults that are printed in full. The others are only counted. */
const MAX_PRINTED = 10

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    container: { type: 'string', default: 'real' },
    clients: { type: 'string', default: '16' },
    keep: { type: 'boolean', default: false },
  },
})
const settings = z
  .object({
    runs: z.coerce.number().int().min(1),
    container: z.enum(['real', 'process']),
    clients: z.coerce.number().int().min(1),
    keep: z.boolean(),
  })
  .parse(options)

/** A started run and its expected outputs. */
interface StartedRun {
  readonly id: string
  /** Time of the start request, in milliseconds since 1970. */
  readonly startedAt: number
  readonly outputs: Readonly<Record<string, unknown>>
}

interface EndedRun extends StartedRun {
  readonly end: string
  readonly endedAt: number
  /** How the result differs from the expected one. */
  readonly problem: string | undefined
}

const runSchema = z.object({
  state: z.string(),
  updatedAt: z.string(),
  error: z.object({ kind: z.string(), message: z.string() }).optional(),
})

const progress = createProgress(process.stdout)
const instance = `bench-${randomBytes(4).toString('hex')}`
const place = settings.container === 'real' ? 'a container' : 'a plain process in place of the container'
console.log(`${settings.runs} runs, each with ${place}; ${settings.clients} clients`)

await using stack = await startTemporaryStack({
  instance,
  progress,
  keepsFolder: settings.keep,
  ...(settings.container === 'process' ? { taskProcess: TASK_PROCESS } : {}),
})
const watch = watchStack(stack)
try {
  await measure(stack)
} finally {
  watch.stop()
}

async function measure(stack: LocalStack): Promise<void> {
  const client = createExampleClient(stack.baseUrl)
  await client.upload(BUNDLE)
  const begin = performance.now()
  const started = await progress.step('submitted', () => submitAll(client))
  const submitSeconds = (performance.now() - begin) / 1000
  const activeAfterSubmission = await progress.step('ended', (tell) => waitForAll(stack, tell))
  const ended = await progress.step('outputs read', () => readAll(stack, client, started))
  report(ended, submitSeconds, activeAfterSubmission)
}

/** Processes as many items concurrently as there are clients. The results have the order of the items. */
async function byClients<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const waiting = [...items.entries()]
  async function workSome(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      results[next[0]] = await work(next[1])
    }
  }
  await Promise.all(Array.from({ length: settings.clients }, workSome))
  return results
}

/** Does not retry calls. @throws ServiceError for the first failed call */
async function submitAll(client: ExampleClient): Promise<StartedRun[]> {
  const numbers = Array.from({ length: settings.runs }, (_, number) => number)
  return byClients(numbers, async (number) => {
    const inputs = { a: number, b: 2 * number, text: `run ${number}` }
    const id = await client.createRun()
    await client.provision(id, inputs)
    const startedAt = Date.now()
    await client.start(id)
    return { id, startedAt, outputs: { sum: inputs.a + inputs.b, echo: inputs.text } }
  })
}

/** Waits until no run is active. @returns the number of runs that were active at first */
async function waitForAll(stack: LocalStack, tell: (detail: string) => void): Promise<number> {
  const stateReader = createStateReader(stack)
  const giveUpAt = Date.now() + MAX_MS + settings.runs * MAX_PER_RUN_MS
  const first = await stateReader.countActive()
  for (let active = first; active > 0; active = await stateReader.countActive()) {
    tell(`${active} active`)
    if (Date.now() > giveUpAt) throw new Error(`${active} runs are still active at the time limit`)
    await pause(POLL_MS)
  }
  return first
}

async function readAll(
  { baseUrl }: LocalStack,
  client: ExampleClient,
  started: readonly StartedRun[],
): Promise<EndedRun[]> {
  return byClients(started, async (run) => {
    const answer = await fetch(new URL(`task-runs/${run.id}`, baseUrl))
    const { state, updatedAt, error } = runSchema.parse(await answer.json())
    const common = { ...run, endedAt: Date.parse(updatedAt) }
    if (state !== 'FINISHED') {
      const problem = error === undefined ? `it is ${state}` : `${error.kind}: ${error.message}`
      return { ...common, end: error?.kind ?? state, problem }
    }
    const given = await client.outputs(run.id)
    const isRight = Object.entries(run.outputs).every(([name, value]) => given[name] === value)
    const problem = isRight ? undefined : `wrong outputs: ${JSON.stringify(given)}`
    return { ...common, end: state, problem }
  })
}

function report(runs: readonly EndedRun[], submitSeconds: number, active: number): void {
  const first = Math.min(...runs.map(({ startedAt }) => startedAt))
  const last = Math.max(...runs.map(({ endedAt }) => endedAt))
  const seconds = runs.map(({ startedAt, endedAt }) => (endedAt - startedAt) / 1000)
  const overall = (last - first) / 1000
  printFigure('submission (create, provision, start)', settings.runs / submitSeconds, 'runs/s')
  printFigure('active when all were submitted', active, 'runs')
  printFigure('throughput, first start to last end', settings.runs / overall, 'runs/s')
  printFigure('start to end, p50', quantile(seconds, 0.5), 's')
  printFigure('start to end, p95', quantile(seconds, 0.95), 's')
  printFigure('start to end, slowest', Math.max(...seconds), 's')
  for (const [end, number] of countBy(runs, ({ end }) => end)) printFigure(`ended ${end}`, number, 'runs')
  for (const { name, peakMib } of watch.peaks()) printFigure(`peak memory of one ${name}`, peakMib, 'MiB')
  for (const { name, most } of watch.mostAtATime())
    printFigure(`maximum of concurrent ${name}`, most, 'processes')
  const wrong = runs.filter(({ problem }) => problem !== undefined)
  for (const { id, problem } of wrong.slice(0, MAX_PRINTED)) console.error(`run ${id}: ${problem}`)
  console.log(
    wrong.length === 0 ? 'all runs ended as expected' : `${wrong.length} runs did NOT end as expected`,
  )
  if (wrong.length > 0) process.exitCode = 1
}

function printFigure(name: string, value: number, unit: string): void {
  console.log(`${name.padEnd(48)} ${Number.isInteger(value) ? value : value.toFixed(2)} ${unit}`)
}

function countBy<Item>(items: readonly Item[], nameOf: (item: Item) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1)
  return counts
}
