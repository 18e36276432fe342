import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createExampleClient } from '../../cli/example-client.ts'
import { type LocalStack, startTemporaryStack } from '../../local/stack.ts'
import { createProgress } from '../../src/shared/progress.ts'
import { startWriteCounter, type WriteCounter } from '../fixtures/counted-calls.ts'
import { MOST_SET_TRANSITIONS, measureEffort, startAsSet, startSingly } from '../fixtures/run-effort.ts'

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

it('takes no more writes, calls of functions and state transitions for a run of a set than for a single run', {
  timeout: 400_000,
}, async () => {
  if (counter === undefined) throw new Error('the stack started without its counter')
  const client = createExampleClient(stack.baseUrl)
  const singly = await measureEffort(stack, counter, () => startSingly(stack, client, RUNS))
  const asSet = await measureEffort(stack, counter, () => startAsSet(stack, fetch, RUNS))

  console.log('all of', RUNS, 'runs:', { singly, asSet })
  expect(singly.writes).toBeGreaterThanOrEqual(12 * RUNS)
  expect(asSet.writes).toBeLessThanOrEqual(singly.writes)
  expect(asSet.functionCalls).toBeLessThanOrEqual(singly.functionCalls)
  expect(singly.transitions).toBeGreaterThanOrEqual(4 * RUNS)
  expect(asSet.transitions).toBeLessThanOrEqual(singly.transitions)
  expect(asSet.setTransitions).toBeGreaterThan(0)
  expect(asSet.setTransitions).toBeLessThanOrEqual(MOST_SET_TRANSITIONS)
  expect(counter.scans()).toBe(0)
})
