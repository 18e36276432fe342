import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createExampleClient } from '../../cli/example-client.ts'
import { type LocalStack, startTemporaryStack } from '../../local/stack.ts'
import { createProgress } from '../../src/shared/progress.ts'
import {
  isExecuting,
  readFunctionLogs,
  startWriteCounter,
  type WriteCounter,
} from '../fixtures/counted-calls.ts'

/** Enough that what a set takes once, some ten writes, does not hide what each run takes. */
const RUNS = 16

let counter: WriteCounter | undefined
/** A separate stack, whose functions call the emulator through a proxy. */
let stack: LocalStack & AsyncDisposable

beforeAll(async () => {
  stack = await startTemporaryStack({
    instance: `test-${randomBytes(4).toString('hex')}`,
    progress: createProgress(process.stdout),
    functionsThrough: async (url) => {
      counter = await startWriteCounter(url)
      return counter.url
    },
  })
  await createExampleClient(stack.baseUrl).upload('examples/add-and-echo/add-and-echo.zip')
})
afterAll(async () => {
  await stack[Symbol.asyncDispose]()
  counter?.stop()
})

/** Functions whose calls depend on the time, not on the runs. */
const TIMED = /SweepRuns|PublishEvents/u

interface Effort {
  readonly writes: number
  readonly functionCalls: number
}

async function effortSoFar(): Promise<Effort> {
  const { calls } = await readFunctionLogs(stack.emulatorUrl)
  const counted = [...calls].filter(([name]) => !TIMED.test(name))
  return {
    writes: counter?.written() ?? Number.NaN,
    functionCalls: counted.reduce((sum, [, number]) => sum + number, 0),
  }
}

/** Waits until all workflows have ended and the ends of jobs of this many runs are recorded, which may be after the runs' ends. */
async function settle(runs: number): Promise<void> {
  const outstanding = async () => ({
    runs: runs - (await readFunctionLogs(stack.emulatorUrl)).runsOfEndedJobs.size,
    isExecuting: await isExecuting(stack.emulatorUrl),
  })
  await expect.poll(outstanding, { timeout: 60_000, interval: 500 }).toEqual({ runs: 0, isExecuting: false })
}

/** Writes and function calls of some work, without the calls that poll whether it has ended. */
async function effortOf(work: () => Promise<() => Promise<boolean>>): Promise<Effort> {
  const { runsOfEndedJobs } = await readFunctionLogs(stack.emulatorUrl)
  const before = await effortSoFar()
  const hasEnded = await work()
  let reads = 0
  await expect
    .poll(
      async () => {
        reads += 1
        return hasEnded()
      },
      { timeout: 180_000, interval: 1000 },
    )
    .toBe(true)
  await settle(runsOfEndedJobs.size + RUNS)
  const after = await effortSoFar()
  return {
    writes: after.writes - before.writes,
    functionCalls: after.functionCalls - before.functionCalls - reads,
  }
}

async function read(path: string): Promise<unknown> {
  return (await fetch(new URL(path, stack.baseUrl))).json()
}

/** Polls the states of all runs with one list, because {@link effortOf} subtracts one call for each poll. */
async function executeSingly(): Promise<() => Promise<boolean>> {
  const client = createExampleClient(stack.baseUrl)
  for (let number = 0; number < RUNS; number += 1) {
    const id = await client.createRun()
    await client.provision(id, { a: number, b: 1, text: 'x' })
    await client.start(id)
  }
  return async () => {
    const { content } = (await read('task-runs?state=FINISHED&limit=100')) as { readonly content: unknown[] }
    return content.length === RUNS
  }
}

async function executeAsSet(): Promise<() => Promise<boolean>> {
  const answer = await fetch(new URL('run-sets', stack.baseUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      task: { namespace: 'org.example.add-and-echo', version: '1.0.0' },
      rows: Array.from({ length: RUNS }, (_, a) => ({ a, b: 1, text: 'x' })),
    }),
  })
  const { id } = (await answer.json()) as { readonly id: string }
  return async () => {
    const { counts } = (await read(`run-sets/${id}`)) as { readonly counts: { readonly finished: number } }
    return counts.finished === RUNS
  }
}

it('takes no more writes and calls of functions for a run of a set than for a single run', {
  timeout: 400_000,
}, async () => {
  const singly = await effortOf(executeSingly)
  const asSet = await effortOf(executeAsSet)

  console.log('each of', RUNS, 'runs:', { singly: each(singly), asSet: each(asSet) })
  expect(singly.writes).toBeGreaterThanOrEqual(12 * RUNS)
  expect(asSet.writes).toBeLessThanOrEqual(singly.writes)
  expect(asSet.functionCalls).toBeLessThanOrEqual(singly.functionCalls)
  expect(counter?.scans()).toBe(0)
})

function each({ writes, functionCalls }: Effort): Effort {
  return { writes: writes / RUNS, functionCalls: functionCalls / RUNS }
}
