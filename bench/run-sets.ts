/*
 * Measures one run set of the example task on a separate local stack, and single runs for comparison:
 *
 *   npm run bench:run-sets [-- [--rows 300] [--singles 20] [--container real|process] [--cancel]]
 *
 * Prints the client's calls, the time until all runs are created, the slowest answer of `GET run-sets/{id}`, runs per second, and the
 * peak memory of each process. `--cancel` cancels the set once its runs are created, because 10 000 runs take hours on two processors.
 * For `--container process` see bench/runs.ts. Exits with 1 when a run ends in an unexpected state or a target is missed. Reads /proc,
 * so it runs on Linux only.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import * as z from 'zod'
import { createExampleClient } from '../cli/example-client.ts'
import { createProgress } from '../cli/progress.ts'
import { startTemporaryStack } from '../local/stack.ts'
import { quantile } from './quantile.ts'
import { watchStack } from './stack-watch.ts'

const PROJECT = join(import.meta.dirname, '..')
const BUNDLE = join(PROJECT, 'examples/add-and-echo/add-and-echo.zip')
const TASK_PROCESS = ['sh', join(import.meta.dirname, 'add-and-echo.sh'), '/inputs', '/outputs']
const POLL_MS = 500
const CREATION_TARGET_SECONDS = 60
const ANSWER_TARGET_MS = 200
const MEMORY_TARGET_MIB = 1024

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '300' },
    singles: { type: 'string', default: '20' },
    container: { type: 'string', default: 'process' },
    cancel: { type: 'boolean', default: false },
  },
})
const settings = z
  .object({
    rows: z.coerce.number().int().min(1).max(10_000),
    singles: z.coerce.number().int().min(0),
    container: z.enum(['real', 'process']),
    cancel: z.boolean(),
  })
  .parse(values)

const setSchema = z.object({
  id: z.string(),
  state: z.string(),
  counts: z.object({ waiting: z.number(), active: z.number(), finished: z.number(), failed: z.number() }),
})
type SetView = z.infer<typeof setSchema>

const instance = `bench-${randomBytes(4).toString('hex')}`
await using stack = await startTemporaryStack({
  instance,
  progress: createProgress(process.stdout),
  ...(settings.container === 'process' ? { taskProcess: TASK_PROCESS } : {}),
})
const watch = watchStack(stack)
const answersMs: number[] = []
try {
  const client = createExampleClient(stack.baseUrl)
  await client.upload(BUNDLE)
  if (settings.singles > 0) await measureSingles()
  await measureSet()
  for (const { name, peakMib } of watch.peaks()) {
    printFigure(`peak memory of one ${name}`, peakMib, 'MiB')
    expectBelow(`memory of ${name}`, peakMib, MEMORY_TARGET_MIB)
  }

  /** Creates and starts runs one after the other, as a client without run sets does. */
  async function measureSingles(): Promise<void> {
    const begin = performance.now()
    for (let number = 0; number < settings.singles; number += 1) {
      const id = await client.createRun()
      await client.provision(id, { a: number, b: number, text: 'x' })
      await client.start(id)
    }
    const seconds = (performance.now() - begin) / 1000
    printFigure('single runs: created and started', settings.singles / seconds, 'runs/s')
    printFigure('single runs: calls by the client for each', 5, 'calls')
  }
} finally {
  watch.stop()
}

async function measureSet(): Promise<void> {
  const rows = Array.from({ length: settings.rows }, (_, a) => ({ a, b: 2 * a }))
  const begin = performance.now()
  const secondsSince = (): number => (performance.now() - begin) / 1000
  const task = { namespace: 'org.example.add-and-echo', version: '1.0.0' }
  const body = JSON.stringify({ task, shared: { text: 'of the set' }, rows, maxConcurrency: 50 })
  const { id } = await ask('', { method: 'POST', body })
  printFigure('set: POST run-sets', secondsSince(), 's')
  await waitFor(id, ({ state }) => state !== 'VALIDATING')
  printFigure('set: all runs created', secondsSince(), 's')
  expectBelow('creation', secondsSince(), CREATION_TARGET_SECONDS)
  if (settings.cancel) await ask(`/${id}/cancel`, { method: 'POST' })
  const { counts } = await waitFor(id, (view) => view.counts.waiting + view.counts.active === 0)
  printFigure('set: creation to last end', secondsSince(), 's')
  printFigure('set: runs', settings.rows / secondsSince(), 'runs/s')
  for (const [name, number] of Object.entries(counts)) printFigure(`set: ${name}`, number, 'rows')
  if (!settings.cancel && counts.finished !== settings.rows) fail('not all rows are finished')
  printFigure('set: GET run-sets/{id}, median', quantile(answersMs, 0.5), 'ms')
  printFigure('set: GET run-sets/{id}, longest', Math.max(...answersMs), 'ms')
  expectBelow('GET run-sets/{id}, 99th percentile', quantile(answersMs, 0.99), ANSWER_TARGET_MS)
}

async function waitFor(id: string, isReached: (view: SetView) => boolean): Promise<SetView> {
  for (;;) {
    const begin = performance.now()
    const view = await ask(`/${id}`)
    answersMs.push(performance.now() - begin)
    if (isReached(view)) return view
    await pause(POLL_MS)
  }
}

async function ask(path: string, init: RequestInit = {}): Promise<SetView> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(new URL(`run-sets${path}`, stack.baseUrl), { ...init, headers })
  if (!answer.ok) throw new Error(`run-sets${path}: ${answer.status} ${await answer.text()}`)
  return setSchema.parse(await answer.json())
}

function printFigure(name: string, value: number, unit: string): void {
  console.log(`${name.padEnd(48)} ${Number.isInteger(value) ? value : value.toFixed(2)} ${unit}`)
}

function expectBelow(name: string, value: number, target: number): void {
  if (value >= target) fail(`${name}: ${value.toFixed(1)}, target < ${target}`)
}

function fail(words: string): void {
  console.error(`MISSED: ${words}`)
  process.exitCode = 1
}
