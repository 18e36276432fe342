/*
 * Measures sequential calls to the API of a separate local stack, without the edge:
 *
 *   npm run bench:api [-- [--rounds 40]]
 *
 * Each row shows p50, p95, the floor, and how much p50 exceeds the floor. The floor is the p50 of calls to a path without a route: gateway,
 * function call and log line only. Calls and floor are measured alternately, so that other load affects both. The targets are in-process
 * times of the Java service, measured on one machine. Exits with 1 when a target is missed.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { createExampleClient } from '../cli/example-client.ts'
import { type LocalStack, startTemporaryStack } from '../local/stack.ts'
import { systemIdentity } from '../src/shared/identity.ts'
import { createProgress } from '../src/shared/progress.ts'
import { createDynamoTaskRepository } from '../src/task/dynamo-task-repository.ts'
import { anInput, anOutput, aTask } from '../test/fixtures/builders.ts'
import { timeOf } from './measure.ts'
import { quantile } from './quantile.ts'
import { createRunSetClient, isEnded } from './run-set-client.ts'

const PROJECT = join(import.meta.dirname, '..')
const BUNDLE = join(PROJECT, 'examples/add-and-echo/add-and-echo.zip')
const INPUTS = { a: 2, b: 3, text: 'x' } as const
/** Number of calls before the measurement, which open connections and fill caches. */
const WARM_UPS = 5
const PARAMETERS = 10
const SET_ROWS = 8
const local = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '40' } } })
const ROUNDS = Number(options.rounds)
if (!Number.isSafeInteger(ROUNDS) || ROUNDS < 1) throw new Error('--rounds takes a whole number')

const instance = `bench-${randomBytes(4).toString('hex')}`
await using stack = await startTemporaryStack({ instance, progress: createProgress(process.stdout) })
const base = new URL('app-engine/v1/', `${stack.apiUrl.replace(/\/+$/u, '')}/`)
await measure(stack)

async function measure({ baseUrl, outputs, emulatorUrl }: LocalStack): Promise<void> {
  const example = createExampleClient(baseUrl)
  await example.upload(BUNDLE)
  const [task] = (await json('GET', 'tasks')) as { readonly namespace: string; readonly version: string }[]
  if (task === undefined) throw new Error('the example task is not installed')
  const path = `tasks/${task.namespace}/${task.version}`
  const newRun = async (): Promise<string> => {
    const { id } = (await json('POST', `${path}/runs`)) as { readonly id: string }
    return `task-runs/${id}`
  }
  const provision = (run: string, name: string, value: unknown): Promise<unknown> =>
    json('PUT', `${run}/input-provisions/${name}`, { parameterName: name, value })
  const readyRun = async (): Promise<string> => {
    const run = await newRun()
    for (const [name, value] of Object.entries(INPUTS)) await provision(run, name, value)
    return run
  }
  const start = (run: string): Promise<unknown> =>
    json('POST', `${run}/state-actions`, { desired: 'RUNNING' })

  await row('GET tasks, 1 task', 3.5, () => json('GET', 'tasks'))
  await row('GET one task', undefined, () => json('GET', path))
  await row('POST runs', 9.6, newRun)
  const run = await newRun()
  await row('PUT an integer', 28, () => provision(run, 'a', 7))
  await row('GET a run', 2.9, () => json('GET', run))
  const finished = await readyRun()
  await start(finished)
  await example.follow(finished.slice('task-runs/'.length), () => {})
  await row('GET outputs', undefined, () => json('GET', `${finished}/outputs`))
  const set = await finishedSet(task)
  await row('GET a run set', undefined, () => json('GET', set))
  await row('start a run', undefined, start, { prepare: readyRun, after: (one) => json('DELETE', one) })

  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ ...local, endpoint: emulatorUrl }), {
    marshallOptions: { removeUndefinedValues: true },
  })
  const table = { client, tableName: outputs.tableName, identity: systemIdentity }
  await addTasks(table, 1, 100)
  await row('GET tasks, 100 tasks', 14, () => json('GET', 'tasks'))
  await addTasks(table, 100, 1000)
  await row('GET tasks, 1000 tasks', undefined, () => json('GET', 'tasks'))
}

/** @returns the path of a set whose runs have ended */
async function finishedSet({ namespace, version }: { readonly namespace: string; readonly version: string }) {
  const rows = Array.from({ length: SET_ROWS }, (_, a) => ({ ...INPUTS, a }))
  const { id } = (await json('POST', 'run-sets', { task: { namespace, version }, rows })) as {
    readonly id: string
  }
  const sets = createRunSetClient(base.href)
  await sets.waitFor(id, isEnded)
  return `run-sets/${id}`
}

/** Publishes tasks with ten inputs and ten outputs each, like an import. */
async function addTasks(
  table: Parameters<typeof createDynamoTaskRepository>[0],
  present: number,
  wanted: number,
): Promise<void> {
  const tasks = createDynamoTaskRepository(table)
  for (let number = present; number < wanted; number += 1) {
    const namespace = `org.example.bench.task${number}`
    const uploadId = randomUUID()
    await tasks.reserveName({ namespace, version: '1.0.0', uploadId, leaseSeconds: 60 })
    const task = aTask({
      id: randomUUID(),
      namespace,
      name: `Task ${number}`,
      description: 'Finds nuclei in a slide and draws a polygon around each of them. '.repeat(3),
      inputs: Array.from({ length: PARAMETERS }, (_, index) =>
        anInput({ id: randomUUID(), name: `input${index}` }),
      ),
      outputs: Array.from({ length: PARAMETERS }, (_, index) =>
        anOutput({ id: randomUUID(), name: `output${index}` }),
      ),
      createdAt: new Date().toISOString(),
    })
    await tasks.publish(task, uploadId)
  }
}

interface Around<Given> {
  /** Runs before each call and is not measured. Its result is passed to the call. */
  readonly prepare: () => Promise<Given>
  /** Runs after each call and is not measured. */
  readonly after: (given: Given) => Promise<unknown>
}

/** Measures calls and the floor alternately, and prints both. p50 must exceed the floor by less than `target` milliseconds. */
async function row<Given>(
  name: string,
  target: number | undefined,
  call: (given: Given) => Promise<unknown>,
  around?: Around<Given>,
): Promise<void> {
  const times: number[] = []
  const floors: number[] = []
  for (let round = -WARM_UPS; round < ROUNDS; round += 1) {
    const floor = await timeOf(() => send('GET', 'nothing'))
    const given = (await around?.prepare()) as Given
    const time = await timeOf(() => call(given))
    await around?.after(given)
    if (round < 0) continue
    floors.push(floor)
    times.push(time)
  }
  const [p50, p95, floor] = [quantile(times, 0.5), quantile(times, 0.95), quantile(floors, 0.5)]
  const beyond = p50 - floor
  const isMissed = target !== undefined && beyond >= target
  if (isMissed) process.exitCode = 1
  const words = target === undefined ? '' : `  target < ${target} ms, ${isMissed ? 'MISSED' : 'reached'}`
  const figures = [p50, p95, floor, beyond].map((value) => value.toFixed(1).padStart(7))
  console.log(
    `${name.padEnd(24)} p50 ${figures[0]}  p95 ${figures[1]}  floor ${figures[2]}  above ${figures[3]} ms${words}`,
  )
}

async function send(method: string, path: string, body?: unknown): Promise<Response> {
  const answer = await fetch(new URL(path, base), {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  })
  // The measured time includes the body.
  const bytes = await answer.arrayBuffer()
  return new Response(bytes.byteLength === 0 ? null : bytes, { status: answer.status })
}

async function json(method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await send(method, path, body)
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}
