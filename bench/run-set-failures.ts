import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import * as z from 'zod'
import type { LocalStack } from '../local/stack.ts'
import { createStateReader } from '../test/faults/stack-state.ts'
import { expectEqual, printFigure } from './figures.ts'
import { isEnded, type RunSetClient, reportTimes, type SetView } from './run-set-client.ts'

/*
 * Runs a set of the probe task, which fails as its inputs request, with real containers. A tenth of the rows fail in three ways: by their
 * exit code, by a missing output, and by a cancellation of their run. The failed rows are retried: cancelled ones then succeed, the others
 * fail again. A second set of the successful rows, with `reuse`, starts no container. Each table of outputs is compared with the inputs.
 */

const TASK = { namespace: 'org.example.probe-task', version: '1.0.0' }
const BUNDLE = join(import.meta.dirname, '../test/fixtures/probe-task/probe-task.zip')
const CONCURRENCY = 16

const linesSchema = z.array(
  z.object({
    state: z.string(),
    'input.connect': z.string(),
    'output.result': z.string(),
    'output.connections': z.string(),
  }),
)

/** Number of rows that fail in the same way: a thirtieth of all. */
const WAYS = [
  { kind: 'task-failed', row: { exit_code: 3 } },
  { kind: 'output-missing', row: { skip_output: true } },
  { kind: 'cancelled', row: {} },
] as const

/** The port is the number of the row, so that no two rows are equal. The task copies `connect` into its output `connections`. */
interface Row {
  readonly connect: string
  readonly exit_code?: number
  readonly skip_output?: boolean
}

const FIRST_PORT = 1024

/** Runs the sets, and checks counts and outputs. */
export async function measureFailures(
  stack: LocalStack,
  sets: RunSetClient,
  settings: { readonly rows: number },
): Promise<void> {
  await upload(stack)
  const ofEachWay = Math.max(1, Math.floor(settings.rows / 30))
  const failing = WAYS.flatMap((way) => Array.from({ length: ofEachWay }, () => way))
  const succeeding = settings.rows - failing.length
  const rows: readonly Row[] = Array.from({ length: settings.rows }, (_, row) => ({
    connect: `udp 127.0.0.1 ${FIRST_PORT + row}`,
    ...failing[row - succeeding]?.row,
  }))
  const begin = performance.now()
  const first = await sets.create({ task: TASK, rows, maxConcurrency: CONCURRENCY })
  await sets.waitFor(first.id, ({ state }) => state !== 'VALIDATING')
  await cancelLast(stack, sets, first, ofEachWay)
  const ended = await sets.waitFor(first.id, isEnded)
  printFigure('set: creation to last end', (performance.now() - begin) / 1000, 's')
  expectEqual('finished', ended.counts.finished, succeeding)
  for (const { kind } of WAYS) expectEqual(`failed: ${kind}`, failuresOf(ended, kind), ofEachWay)
  await checkOutputs(stack, first, { rows, finished: rows.slice(0, succeeding) })

  const jobsBefore = await countJobs(stack)
  await retry(sets, first.id)
  const retried = await sets.waitFor(first.id, (view) => view.round === 2 && isEnded(view))
  expectEqual('jobs of the retry', (await countJobs(stack)) - jobsBefore, failing.length)
  expectEqual('retried: finished', retried.counts.finished, succeeding + ofEachWay)
  expectEqual('retried: failed', retried.counts.failed, 2 * ofEachWay)
  for (const { kind } of WAYS.slice(0, 2))
    expectEqual(`retried: ${kind}`, failuresOf(retried, kind), ofEachWay)

  const right = rows.filter(
    ({ exit_code, skip_output }) => exit_code === undefined && skip_output === undefined,
  )
  await checkOutputs(stack, retried, { rows, finished: right })
  await measureReuse(stack, sets, right)
  reportTimes(sets.takeTimes())
}

async function measureReuse(stack: LocalStack, sets: RunSetClient, rows: readonly Row[]): Promise<void> {
  const jobsBefore = await countJobs(stack)
  const begin = performance.now()
  const { id } = await sets.create({ task: TASK, rows, reuse: true, maxConcurrency: CONCURRENCY })
  const ended = await sets.waitFor(id, isEnded)
  printFigure('second set: creation to last end', (performance.now() - begin) / 1000, 's')
  const reused = (await sets.runs(id)).filter(({ reusedFrom }) => reusedFrom !== undefined)
  expectEqual('second set: finished', ended.counts.finished, rows.length)
  expectEqual('second set: reused', reused.length, rows.length)
  expectEqual('second set: jobs', (await countJobs(stack)) - jobsBefore, 0)
  await checkOutputs(stack, ended, { rows, finished: rows })
}

/** Compares every row of the table of outputs with its input: only the given rows may be finished, with outputs of their own. */
async function checkOutputs(
  { baseUrl }: LocalStack,
  { id, round }: SetView,
  { rows, finished }: { readonly rows: readonly Row[]; readonly finished: readonly Row[] },
): Promise<void> {
  const answer = await fetch(new URL(`run-sets/${id}/outputs.csv`, baseUrl))
  if (!answer.ok) throw new Error(`outputs.csv of ${id}: ${answer.status} ${await answer.text()}`)
  const lines = linesSchema.parse(parse(await answer.text(), { columns: true }))
  const expected = new Set(finished)
  const right = rows.filter((row, index) => {
    const line = lines[index]
    if (line === undefined || line['input.connect'] !== row.connect) return false
    if (!expected.has(row)) return line.state === 'FAILED'
    const isOwn = line['output.connections'].startsWith(`${row.connect}: `)
    return line.state === 'FINISHED' && line['output.result'] === 'done' && isOwn
  })
  expectEqual(`round ${round}: rows in outputs.csv`, lines.length, rows.length)
  expectEqual(`round ${round}: rows with the right state and outputs`, right.length, rows.length)
}

async function upload({ baseUrl }: LocalStack): Promise<void> {
  const form = new FormData()
  form.set('task', new Blob([await readFile(BUNDLE)]), 'probe-task.zip')
  const answer = await fetch(new URL('tasks', baseUrl), { method: 'POST', body: form })
  if (!answer.ok) throw new Error(`upload of the probe task: ${answer.status} ${await answer.text()}`)
}

/** Cancels the runs of the last rows, which have not started yet. */
async function cancelLast(
  stack: LocalStack,
  sets: RunSetClient,
  { id }: SetView,
  count: number,
): Promise<void> {
  const runs = await sets.runs(id)
  for (const { runId } of runs.slice(-count)) {
    const answer = await fetch(new URL(`task-runs/${runId}/state-actions`, stack.baseUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ desired: 'CANCELLED' }),
    })
    if (!answer.ok) throw new Error(`cancellation of ${runId}: ${answer.status} ${await answer.text()}`)
  }
}

/** Retries the failed rows after the workflow has recorded the end of the set. */
async function retry(sets: RunSetClient, id: string): Promise<void> {
  await sets.waitFor(id, ({ state }) => state === 'FINISHED')
  await sets.act(id, 'retry')
}

async function countJobs(stack: LocalStack): Promise<number> {
  const { jobs } = await createStateReader(stack).look()
  return [...jobs.values()].flat().length
}

function failuresOf({ failures = [] }: SetView, kind: string): number {
  return failures.filter((group) => group.kind === kind).reduce((sum, { count }) => sum + count, 0)
}
