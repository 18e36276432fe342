/*
 * Measures run sets on a separate local stack:
 *
 *   npm run bench:run-sets [-- [--rows 300] [--singles 20] [--container real|process] [--concurrency 16] [--reuse] [--cancel]]
 *   npm run bench:run-sets -- --failures [--rows 300]
 *
 * The first form compares single runs with a set of at most 60 rows: calls by the client, state transitions, items written and calls of
 * functions. Then it runs one set of the example task, and prints the time until all runs are created, durations of `GET run-sets/{id}`,
 * runs per second, and the memory of the largest process every half minute.
 * `--container process`, for sets of thousands, replaces the container by a cheap process with the same outputs, and runs the stagers
 * inside the local Batch server. `--reuse` lets all rows take the outputs of one run. `--cancel` cancels the set once its runs are created.
 *
 * The second form has real containers and rows that fail, and is described in bench/run-set-failures.ts.
 *
 * Exits with 1 when a run ends in an unexpected state or a target is missed. Reads /proc, so it runs on Linux only.
 */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import * as z from 'zod'
import { createExampleClient } from '../cli/example-client.ts'
import { temporaryFolder } from '../local/clean-up.ts'
import { startTemporaryStack } from '../local/stack.ts'
import { MAX_ROWS } from '../src/contract/run-set-limits.ts'
import { createProgress } from '../src/shared/progress.ts'
import { startWriteCounter, type WriteCounter } from '../test/fixtures/counted-calls.ts'
import { RECORD_CALLS, readRecordings, recordingOptions } from '../test/recording/recording.ts'
import { expectAtLeast, expectBelow, expectEqual, printFigure } from './figures.ts'
import { createRunSetClient, isEnded, reportTimes, type SetView } from './run-set-client.ts'
import { measureFailures } from './run-set-failures.ts'
import { compareWithSingles, MAX_COMPARED } from './run-set-overhead.ts'
import { watchStack } from './stack-watch.ts'

const PROJECT = join(import.meta.dirname, '..')
const BUNDLE = join(PROJECT, 'examples/add-and-echo/add-and-echo.zip')
const TASK = { namespace: 'org.example.add-and-echo', version: '1.0.0' }
const TASK_PROCESS = ['sh', join(import.meta.dirname, 'add-and-echo.sh'), '/inputs', '/outputs']
const TEXT = 'of the set'
const CREATION_TARGET_SECONDS = 60
const MEMORY_TARGET_MIB = 1024
const PROGRESS_SECONDS = 30

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '300' },
    singles: { type: 'string', default: '20' },
    container: { type: 'string', default: 'process' },
    concurrency: { type: 'string', default: '16' },
    reuse: { type: 'boolean', default: false },
    cancel: { type: 'boolean', default: false },
    failures: { type: 'boolean', default: false },
  },
})
const settings = z
  .object({
    rows: z.coerce.number().int().min(1).max(MAX_ROWS),
    singles: z.coerce.number().int().min(0).max(MAX_COMPARED),
    container: z.enum(['real', 'process']),
    concurrency: z.coerce.number().int().min(1).max(1000),
    reuse: z.boolean(),
    cancel: z.boolean(),
    failures: z.boolean(),
  })
  .parse(values)

await using recordings = await temporaryFolder('app-engine-calls-')
process.env[RECORD_CALLS] = recordings.path
const isCheap = settings.container === 'process' && !settings.failures
// The Batch server inherits this variable. Cheap jobs mostly wait for responses.
if (isCheap) process.env.CAPACITY ??= String(settings.concurrency)
let counter: WriteCounter | undefined
await using stack = await startTemporaryStack({
  instance: `bench-${randomBytes(4).toString('hex')}`,
  progress: createProgress(process.stdout),
  nodeOptions: recordingOptions(),
  functionsThrough: async (url) => {
    counter = await startWriteCounter(url)
    return counter.url
  },
  ...(isCheap ? { taskProcess: TASK_PROCESS, stagesHere: true } : {}),
})
const watch = watchStack(stack)
const example = createExampleClient(stack.baseUrl)
const sets = createRunSetClient(stack.baseUrl)
try {
  if (settings.failures) await measureFailures(stack, sets, settings)
  else {
    await example.upload(BUNDLE)
    if (settings.singles > 0) {
      const rows = Math.min(settings.rows, MAX_COMPARED)
      await compareWithSingles(stack, requireCounter(), { singles: settings.singles, rows })
    }
    await warmUp()
    await measureSet()
  }
  for (const { name, peakMib } of watch.peaks()) {
    printFigure(`peak memory of one ${name}`, peakMib, 'MiB')
    expectBelow(`memory of ${name}`, peakMib, MEMORY_TARGET_MIB)
  }
  const actions = readRecordings(recordings.path).flatMap(({ needed }) => needed.map(({ action }) => action))
  expectAtLeast('different calls of functions that were recorded', actions.length, 1)
  expectEqual('scans of the table', actions.filter((action) => action === 'dynamodb:Scan').length, 0)
} finally {
  watch.stop()
  counter?.stop()
}

function requireCounter(): WriteCounter {
  if (counter === undefined) throw new Error('the stack started without its counter of writes')
  return counter
}

async function measureSet(): Promise<void> {
  const rows = Array.from({ length: settings.rows }, (_, row) => {
    const a = settings.reuse ? 1 : row
    return { a, b: 2 * a }
  })
  const begin = performance.now()
  const secondsSince = (): number => (performance.now() - begin) / 1000
  const wanted = { task: TASK, shared: { text: TEXT }, rows, reuse: settings.reuse }
  const { id } = await sets.create({ ...wanted, maxConcurrency: settings.concurrency })
  printFigure('set: POST run-sets', secondsSince(), 's')
  await sets.waitFor(id, ({ state }) => state !== 'VALIDATING')
  printFigure('set: all runs created', secondsSince(), 's')
  expectBelow('creation', secondsSince(), CREATION_TARGET_SECONDS)
  if (settings.cancel) await sets.act(id, 'cancel')
  const { counts } = await sets.waitFor(id, isEnded, createTell(secondsSince))
  printFigure('set: creation to last end', secondsSince(), 's')
  printFigure('set: runs', settings.rows / secondsSince(), 'runs/s')
  for (const [name, number] of Object.entries(counts)) printFigure(`set: ${name}`, number, 'rows')
  reportTimes(sets.takeTimes())
  if (settings.cancel) return
  expectEqual('finished rows', counts.finished, settings.rows)
  await checkOutputs(id, rows)
}

/** Prints a line every half minute. */
function createTell(secondsSince: () => number): (view: SetView) => void {
  let nextAt = PROGRESS_SECONDS
  return ({ counts }) => {
    if (secondsSince() < nextAt) return
    nextAt = secondsSince() + PROGRESS_SECONDS
    const { name = 'none', mib = 0 } = watch.largest() ?? {}
    const states = Object.entries(counts).map(([state, number]) => `${number} ${state}`)
    console.log(
      `${Math.round(secondsSince())} s: ${states.join(', ')}; largest process ${name}, ${mib.toFixed(0)} MiB`,
    )
  }
}

/** Starts the functions' processes by a small set. All rows of a set with `reuse` are equal to its first row. */
async function warmUp(): Promise<void> {
  const rows = Array.from({ length: 2 * settings.concurrency }, (_, row) => ({ a: 1, b: row + 2 }))
  const { id } = await sets.create({
    task: TASK,
    shared: { text: TEXT },
    rows,
    maxConcurrency: settings.concurrency,
  })
  const { counts } = await sets.waitFor(id, isEnded)
  expectEqual('finished rows of the first set', counts.finished, rows.length)
  printFigure('GET run-sets/{id} while functions start: longest', sets.takeTimes().max, 'ms')
}

/** Compares the table of outputs with the inputs, row by row. */
async function checkOutputs(id: string, rows: readonly { readonly a: number; readonly b: number }[]) {
  const begin = performance.now()
  const answer = await fetch(new URL(`run-sets/${id}/outputs.csv`, stack.baseUrl))
  const [header = '', ...lines] = (await answer.text()).trimEnd().split('\r\n')
  printFigure('set: GET outputs.csv', (performance.now() - begin) / 1000, 's')
  const columns = header.split(',')
  const at = (line: string, name: string): string | undefined => line.split(',')[columns.indexOf(name)]
  const right = lines.filter(
    (line, row) =>
      at(line, 'state') === 'FINISHED' &&
      at(line, 'output.sum') === String((rows[row]?.a ?? 0) + (rows[row]?.b ?? 0)) &&
      at(line, 'output.echo') === TEXT,
  )
  expectEqual('rows with the right outputs', right.length, rows.length)
  if (!settings.reuse) return
  const reused = (await sets.runs(id)).filter(({ reusedFrom }) => reusedFrom !== undefined)
  expectEqual('rows that took the outputs of another run', reused.length, rows.length)
}
