/*
 * Measures an array input of many small geometries, sent as one JSON document through the edge of a separate local stack. Prints one
 * figure per line with its target:
 *
 *   npm run bench:inputs [-- <items>]
 *
 * Memory is read from /proc, so this runs on Linux only. Exits with 1 when a target is missed.
 */
import {
  type Bench,
  createRun,
  finishRun,
  installProbe,
  print,
  provision,
  REPEATS,
  slowest,
  timeOf,
  withBench,
} from './measure.ts'

const INPUT = 'polygons'

const ITEMS = Number(process.argv[2] ?? 100_000)
/** Index of the item that is read; at most that of the last one. */
const ITEM = Math.min(73_512, ITEMS - 1)

/** Number of corners of a polygon, whose text has about 300 bytes. */
const CORNERS = 14
const RADIUS = 40

/** Polygons are small circles, in rows of 1000. */
function polygon(index: number): string {
  const corners = Array.from({ length: CORNERS + 1 }, (_, corner) => {
    const angle = (2 * Math.PI * (corner % CORNERS)) / CORNERS
    const x = (index % 1000) * 100 + RADIUS * Math.cos(angle)
    const y = Math.floor(index / 1000) * 100 + RADIUS * Math.sin(angle)
    return `[${x.toFixed(3)},${y.toFixed(3)}]`
  })
  return `{"type":"Polygon","coordinates":[[${corners.join(',')}]]}`
}

async function measureListing({ call }: Bench, path: string): Promise<void> {
  const list = async () => (await call('GET', `${path}/inputs`)).arrayBuffer()
  print({ name: 'GET inputs, the first time', value: await timeOf(list), unit: 'ms' })
  const answer = await call('GET', `${path}/inputs`)
  const location = answer.headers.get('location')
  const listing = location === null ? answer : await fetch(location)
  const values = (await listing.json()) as { readonly parameterName: string; readonly value: unknown[] }[]
  const items = values.find(({ parameterName }) => parameterName === INPUT)?.value.length
  if (items !== ITEMS) throw new Error(`the listing has ${items} items`)
  const name = `GET inputs (${answer.status}) afterwards, slowest of ${REPEATS}`
  print({ name, value: await slowest(list), unit: 'ms', target: 200 })
}

async function measureItem({ call }: Bench, path: string): Promise<void> {
  const item = `${path}/input/${INPUT}/indexes?value=${ITEM}`
  const text = await (await call('GET', item)).text()
  if (text !== polygon(ITEM)) throw new Error(`item ${ITEM} is ${text}`)
  const value = await slowest(async () => (await call('GET', item)).arrayBuffer())
  print({ name: `GET item ${ITEM}, slowest of ${REPEATS}`, value, unit: 'ms', target: 200 })
}

async function measureDownload({ call }: Bench, path: string, file: string): Promise<void> {
  const value = await timeOf(async () => (await call('GET', `${path}/${file}`)).arrayBuffer())
  print({ name: `GET ${file}, the first time`, value, unit: 'ms' })
}

/** @throws Error unless the container has found all items */
async function checkStaged({ call }: Bench, path: string, textBytes: number): Promise<void> {
  const found = await (await call('GET', `${path}/output/counted`)).text()
  const metadata = `size: ${ITEMS}`
  const expected = `${ITEMS + 1} files, ${textBytes + metadata.length} bytes`
  if (found.trim() !== expected) throw new Error(`the container found ${found}, expected ${expected}`)
}

await withBench(async (bench) => {
  await installProbe(bench)
  const path = await createRun(bench)
  const value = Array.from({ length: ITEMS }, (_, index) => polygon(index))
  const textBytes = value.reduce((sum, text) => sum + text.length, 0)

  // Starts the function, which would be measured otherwise.
  await bench.call('GET', path)
  const given = await timeOf(() => provision(bench, path, INPUT, value))
  print({
    name: `PUT of ${ITEMS} items (${Math.round(textBytes / 1e6)} MB)`,
    value: given / 1000,
    unit: 's',
    target: 29,
  })
  await measureListing(bench, path)
  await measureItem(bench, path)
  await measureDownload(bench, path, `input/${INPUT}`)
  await measureDownload(bench, path, 'inputs.zip')

  const start = Date.now()
  const finished = await finishRun(bench, path)
  print({ name: 'start to FINISHED', value: (finished - start) / 1000, unit: 's' })
  await checkStaged(bench, path, textBytes)
})
