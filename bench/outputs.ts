/*
 * Measures an array output of many small geometries on a separate local stack. Prints one figure per line with its target:
 *
 *   npm run bench:outputs [-- [<items>] [--large <MiB>]]
 *
 * `--large` adds a string and a file of this size. A proxy in front of the object store counts S3 requests; only the stager sends
 * presigned ones. Memory is read from /proc, so this runs on Linux only. Exits with 1 when a target is missed.
 */
import { parseArgs } from 'node:util'
import {
  type Bench,
  type CountedRequest,
  createRun,
  finishRun,
  installProbe,
  print,
  provision,
  REPEATS,
  STAGE_OUT,
  slowest,
  withBench,
} from './measure.ts'

const OUTPUT = 'geometries'

const { values: options, positionals } = parseArgs({
  options: { large: { type: 'string', default: '0' } },
  allowPositionals: true,
})
const ITEMS = Number(positionals[0] ?? 100_000)
/** Index of the item that is read; at most that of the last one. */
const ITEM = Math.min(73_512, ITEMS - 1)

const LARGE_MIB = Number(options.large)
/** Maximum size of a listing with one long string, which is truncated in it (src/task/parameters/cut-strings.ts). */
const MAX_LISTING_BYTES = 2000

/** Times of one run, in milliseconds since 1970. */
interface Run {
  readonly path: string
  readonly containerEnded: number
  readonly finished: number
}

async function runTask(bench: Bench, input: string, value: number): Promise<Run> {
  const path = await createRun(bench)
  await provision(bench, path, input, value)
  const seenBefore = bench.watch.lastStart(STAGE_OUT)
  const finished = await finishRun(bench, path)
  // The Batch server starts stage-out as soon as the task's container has ended.
  const containerEnded = bench.watch.lastStart(STAGE_OUT)
  if (containerEnded === undefined || containerEnded === seenBefore) {
    throw new Error('no process of the stager was found')
  }
  return { path, containerEnded, finished }
}

async function measureListing({ call }: Bench, { path }: Run): Promise<void> {
  const answer = await call('GET', `${path}/outputs`)
  const location = answer.headers.get('location')
  const listing = location === null ? answer : await fetch(location)
  const values = (await listing.json()) as { readonly parameterName: string; readonly value: unknown[] }[]
  const items = values.find(({ parameterName }) => parameterName === OUTPUT)?.value.length
  if (items !== ITEMS) throw new Error(`the listing has ${items} items`)
  const value = await slowest(async () => (await call('GET', `${path}/outputs`)).arrayBuffer())
  const name = `GET outputs (${answer.status}), slowest of ${REPEATS}`
  print({ name, value, unit: 'ms', target: 200 })
}

async function measureItem({ call }: Bench, { path }: Run): Promise<void> {
  const item = `${path}/output/${OUTPUT}/indexes?value=${ITEM}`
  const start = `[[[${(ITEM % 1000) * 100 + 40}.000,`
  const text = await (await call('GET', item)).text()
  if (!text.includes(start)) throw new Error(`item ${ITEM} is ${text}`)
  const value = await slowest(async () => (await call('GET', item)).arrayBuffer())
  print({ name: `GET item ${ITEM}, slowest of ${REPEATS}`, value, unit: 'ms', target: 200 })
}

function measureRun(run: Run, requests: readonly CountedRequest[]): void {
  const { presigned, own } = requestsOf(run, requests)
  const unit = 'requests'
  print({
    name: `container's exit to FINISHED, ${ITEMS} items`,
    value: secondsBetween(run.containerEnded, run.finished),
    unit: 's',
    target: 15,
  })
  printParts(run, presigned)
  print({ name: 'S3 requests by stage-out', value: presigned.length, unit, target: 50 })
  print({ name: 'S3 requests by collect-outputs', value: own.length, unit, target: 20 })
}

function requestsOf(run: Run, requests: readonly CountedRequest[]) {
  const during = requests.filter(({ at }) => at >= run.containerEnded && at <= run.finished)
  return {
    presigned: during.filter((request) => request.isPresigned),
    own: during.filter((request) => !request.isPresigned),
  }
}

function printParts(run: Run, presigned: readonly CountedRequest[]): void {
  // The last request of the stager uploads the list of files, which is small.
  const stagedAt = presigned.at(-1)?.at ?? run.containerEnded
  console.log(
    `  of which until all outputs are in the bucket: ${secondsBetween(run.containerEnded, stagedAt).toFixed(1)} s`,
  )
  console.log(`  of which from then to FINISHED: ${secondsBetween(stagedAt, run.finished).toFixed(1)} s`)
}

function secondsBetween(from: number, to: number): number {
  return (to - from) / 1000
}

/** Measures a large output. @param name of the output, which is also its type */
async function measureLarge(bench: Bench, name: 'text' | 'file'): Promise<Run> {
  const run = await runTask(bench, `write_${name}_mib`, LARGE_MIB)
  const value = secondsBetween(run.containerEnded, run.finished)
  print({ name: `container's exit to FINISHED, a ${name} of ${LARGE_MIB} MiB`, value, unit: 's' })
  printParts(run, requestsOf(run, bench.requests).presigned)
  const headers = { range: 'bytes=0-0' }
  const file = await fetch(await redirectOf(bench, `${run.path}/output/${name}`), { headers })
  const sizeBytes = Number(file.headers.get('content-range')?.split('/')[1])
  if (sizeBytes !== LARGE_MIB * 1024 * 1024) throw new Error(`the ${name} has ${sizeBytes} bytes`)
  return run
}

/** Checks that the size of the listing does not depend on the length of the string. */
async function checkLargeListing({ call }: Bench, { path }: Run): Promise<void> {
  const listing = await call('GET', `${path}/outputs`)
  const sizeBytes = (await listing.arrayBuffer()).byteLength
  if (!listing.ok || sizeBytes > MAX_LISTING_BYTES) {
    throw new Error(`the listing: status ${listing.status}, ${sizeBytes} bytes`)
  }
}

async function redirectOf({ call }: Bench, path: string): Promise<string> {
  const answer = await call('GET', path)
  const location = answer.headers.get('location')
  if (location === null) throw new Error(`GET ${path}: ${answer.status}, no redirect`)
  return location
}

await withBench(async (bench) => {
  await installProbe(bench)
  const run = await runTask(bench, 'write_geometries', ITEMS)
  measureRun(run, bench.requests)
  await measureListing(bench, run)
  await measureItem(bench, run)
  if (LARGE_MIB === 0) return
  await checkLargeListing(bench, await measureLarge(bench, 'text'))
  await measureLarge(bench, 'file')
})
