import { createExampleClient } from '../cli/example-client.ts'
import type { LocalStack } from '../local/stack.ts'
import type { WriteCounter } from '../test/fixtures/counted-calls.ts'
import { MOST_SET_TRANSITIONS, measureEffort, startAsSet, startSingly } from '../test/fixtures/run-effort.ts'
import { expectAtMost, expectNotAbove, printFigure } from './figures.ts'

/** Maximum number of runs on either side: the emulator keeps the logs of 1000 calls of a function, and a run takes about 7 of the API. */
export const MAX_COMPARED = 60

const MOST_CLIENT_CALLS = 2

/**
 * Executes single runs and then a set, and prints side by side what each run takes: calls by the client, without those that wait for an
 * end; items written, calls of functions, and state transitions. A new stack is required, with the example task.
 */
export async function compareWithSingles(
  stack: LocalStack,
  counter: WriteCounter,
  { singles, rows }: { readonly singles: number; readonly rows: number },
): Promise<void> {
  const single = countingFetch()
  const client = createExampleClient(stack.baseUrl, single.callApi)
  let ids: readonly string[] = []
  const singly = await measureEffort(stack, counter, async () => {
    const begin = performance.now()
    const started = await startSingly(stack, client, singles)
    printFigure('single runs: created and started', (1000 * singles) / (performance.now() - begin), 'runs/s')
    ids = started.ids
    return started
  })
  for (const id of ids) await client.outputs(id)

  const ofSet = countingFetch()
  let setId = ''
  const asSet = await measureEffort(stack, counter, async () => {
    const started = await startAsSet(stack, ofSet.callApi, rows)
    setId = started.id
    return started
  })
  const table = await ofSet.callApi(new URL(`run-sets/${setId}/outputs.csv`, stack.baseUrl))
  if (!table.ok) throw new Error(`outputs.csv of ${setId}: ${table.status} ${await table.text()}`)
  await table.body?.cancel()

  expectAtMost(`calls by the client for a set of ${rows}`, ofSet.calls(), MOST_CLIENT_CALLS)
  expectAtMost('state transitions of the set itself', asSet.setTransitions, MOST_SET_TRANSITIONS)
  console.log(`${'for each run'.padEnd(48)} ${'single'.padStart(8)} ${'of a set'.padStart(8)}`)
  expectNotAbove('calls by the client', single.calls() / singles, ofSet.calls() / rows)
  expectNotAbove('state transitions', singly.transitions / singles, asSet.transitions / rows)
  expectNotAbove('items written', singly.writes / singles, asSet.writes / rows)
  expectNotAbove('calls of functions', singly.functionCalls / singles, asSet.functionCalls / rows)
}

/** A `fetch` that counts its calls. A redirect to a stored file, which is no call of the API, counts with its call. */
function countingFetch() {
  let calls = 0
  const callApi: typeof fetch = (...given) => {
    calls += 1
    return fetch(...given)
  }
  return { callApi, calls: () => calls }
}
