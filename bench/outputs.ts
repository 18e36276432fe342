/*
 * Measures an array output of many small geometries on a local stack of its own and prints one figure a line with its target:
 *
 *   npm run bench:outputs [-- <items>]
 *
 * S3 requests are counted by a proxy between all parts and the emulator (AWS_ENDPOINT_URL_S3); those of the stager are the
 * presigned ones. Memory is read from /proc, so this runs on Linux only. Exits with 1 when a target is missed.
 */
import { randomBytes } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createProgress } from '../cli/progress.ts'
import { type LocalStack, startLocalStack } from '../local/stack.ts'
import { STAGER_VARIABLES } from '../src/domain/staging.ts'
import { type CountedRequest, type CountingProxy, startCountingProxy } from './counting-proxy.ts'
import { type ProcessWatch, watchProcesses } from './process-watch.ts'

const PROJECT = join(import.meta.dirname, '..')
const BUNDLE = join(PROJECT, 'test/fixtures/probe-task/probe-task.zip')
const TASK = 'tasks/org.example.probe-task/1.0.0'
const OUTPUT = 'geometries'
const STAGE_OUT = 'stage-out'

const ITEMS = Number(process.argv[2] ?? 100_000)
/** The item of the requirement, when there are that many. */
const ITEM = Math.min(73_512, ITEMS - 1)
const POLL_MS = 100
/** Calls of one kind; the slowest counts, after one that is not counted. */
const REPEATS = 10

interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly target: number
}

let isMissed = false

function print({ name, value, unit, target }: Figure): void {
  const isReached = value < target
  isMissed ||= !isReached
  const rounded = Number.isInteger(value) ? String(value) : value.toFixed(1)
  const words = `${rounded} ${unit}`.padEnd(16)
  console.log(`${name.padEnd(52)} ${words} target < ${target} ${unit}, ${isReached ? 'reached' : 'MISSED'}`)
}

/** Times of one run, in milliseconds as `Date.now()` gives them. */
interface Run {
  readonly path: string
  readonly containerEnded: number
  readonly finished: number
}

async function callOk(stack: LocalStack, method: string, path: string, body?: FormData | string) {
  const headers: Record<string, string> =
    typeof body === 'string' ? { 'content-type': 'application/json' } : {}
  const url = new URL(path, stack.baseUrl)
  const answer = await fetch(url, {
    method,
    headers,
    redirect: 'manual',
    ...(body !== undefined && { body }),
  })
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return answer
}

async function runTask(stack: LocalStack, watch: ProcessWatch): Promise<Run> {
  const form = new FormData()
  form.append('task', new Blob([await readFile(BUNDLE)]), 'bundle.zip')
  await callOk(stack, 'POST', 'tasks', form)
  const { id } = (await (await callOk(stack, 'POST', `${TASK}/runs`)).json()) as { readonly id: string }
  const path = `task-runs/${id}`
  const value = JSON.stringify({ parameterName: 'write_geometries', value: ITEMS })
  await callOk(stack, 'PUT', `${path}/input-provisions/write_geometries`, value)
  await callOk(stack, 'POST', `${path}/state-actions`, JSON.stringify({ desired: 'RUNNING' }))
  for (;;) {
    const { state, error } = (await (await callOk(stack, 'GET', path)).json()) as {
      readonly state: string
      readonly error?: unknown
    }
    if (state === 'FAILED') throw new Error(`the run is FAILED: ${JSON.stringify(error)}`)
    if (state === 'FINISHED') break
    await pause(POLL_MS)
  }
  // The Batch server starts it as soon as the task's container has ended.
  const containerEnded = watch.firstSeen(STAGE_OUT)
  if (containerEnded === undefined) throw new Error('the stager was never seen')
  return { path, containerEnded, finished: Date.now() }
}

/** Of the slowest call. */
async function slowest(call: () => Promise<void>): Promise<number> {
  await call()
  const times: number[] = []
  for (let i = 0; i < REPEATS; i += 1) {
    const start = performance.now()
    await call()
    times.push(performance.now() - start)
  }
  return Math.max(...times)
}

/** The listing: where it leads is looked at once. */
async function measureListing(stack: LocalStack, { path }: Run): Promise<void> {
  const answer = await callOk(stack, 'GET', `${path}/outputs`)
  const location = answer.headers.get('location')
  const listing = location === null ? answer : await fetch(location)
  const values = (await listing.json()) as { readonly parameterName: string; readonly value: unknown[] }[]
  const items = values.find(({ parameterName }) => parameterName === OUTPUT)?.value.length
  if (items !== ITEMS) throw new Error(`the listing has ${items} items`)
  const value = await slowest(async () => {
    await (await callOk(stack, 'GET', `${path}/outputs`)).arrayBuffer()
  })
  const name = `GET outputs (${answer.status}), slowest of ${REPEATS}`
  print({ name, value, unit: 'ms', target: 200 })
}

async function measureItem(stack: LocalStack, { path }: Run): Promise<void> {
  const item = `${path}/output/${OUTPUT}/indexes?value=${ITEM}`
  const start = `[[[${(ITEM % 1000) * 100 + 40}.000,`
  const text = await (await callOk(stack, 'GET', item)).text()
  if (!text.includes(start)) throw new Error(`item ${ITEM} is ${text}`)
  const value = await slowest(async () => {
    await (await callOk(stack, 'GET', item)).arrayBuffer()
  })
  print({ name: `GET item ${ITEM}, slowest of ${REPEATS}`, value, unit: 'ms', target: 200 })
}

function measureRun(run: Run, requests: readonly CountedRequest[]): void {
  const seconds = (from: number, to: number): number => (to - from) / 1000
  const during = requests.filter(({ at }) => at >= run.containerEnded && at <= run.finished)
  const presigned = during.filter((request) => request.isPresigned)
  const own = during.filter((request) => !request.isPresigned)
  const stagedAt = presigned.at(-1)?.at ?? run.containerEnded
  const unit = 'requests'
  print({
    name: `container's exit to FINISHED, ${ITEMS} items`,
    value: seconds(run.containerEnded, run.finished),
    unit: 's',
    target: 15,
  })
  console.log(`  of which until all is in the bucket: ${seconds(run.containerEnded, stagedAt).toFixed(1)} s`)
  console.log(`  of which from there to FINISHED: ${seconds(stagedAt, run.finished).toFixed(1)} s`)
  print({ name: 'S3 requests by stage-out', value: presigned.length, unit, target: 50 })
  print({ name: 'S3 requests by collect-outputs', value: own.length, unit, target: 20 })
}

async function measure(stack: LocalStack, proxy: CountingProxy, watch: ProcessWatch): Promise<void> {
  const run = await runTask(stack, watch)
  measureRun(run, proxy.requests)
  await measureListing(stack, run)
  await measureItem(stack, run)
  for (const { name, peakMib } of watch.peaks()) {
    print({ name: `peak memory of ${name}`, value: peakMib, unit: 'MiB', target: 512 })
  }
}

const instance = `bench-${randomBytes(4).toString('hex')}`
let proxy: CountingProxy | undefined
const stack = await startLocalStack({
  instance,
  progress: createProgress(process.stdout),
  s3Through: async (emulatorUrl) => {
    proxy ??= await startCountingProxy(emulatorUrl)
    return proxy.url
  },
})
const watch = watchProcesses((environment, command) => {
  if (environment.has(STAGER_VARIABLES.runId)) return command.includes(STAGE_OUT) ? STAGE_OUT : undefined
  const isOurs = environment.get('AWS_ENDPOINT_URL') === stack.emulatorUrl
  const name = isOurs ? environment.get('AWS_LAMBDA_FUNCTION_NAME') : undefined
  // CloudFormation's name: stack, construct, hash.
  return name?.replace(/^.*-(\w+)Function.*$/u, '$1')
})
try {
  if (proxy === undefined) throw new Error('the emulator is not one of our own: unset AWS_ENDPOINT_URL')
  await measure(stack, proxy, watch)
} finally {
  watch.stop()
  await stack.stop()
  proxy?.stop()
  await rm(join(PROJECT, '.local', instance), { recursive: true, force: true })
}
if (isMissed) process.exitCode = 1
