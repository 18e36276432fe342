/*
 * Compares the importer with `unzip` and `skopeo copy`, with the same bundles, registry and machine:
 *
 *   npm run bench:import -- [--tools DIR] [--sizes 1G,4G] [--alone 10G] [--rounds 5] [--keep DIR]
 *
 * Bundles of the sizes after --alone are imported once and without skopeo, to measure memory and time per byte. --tools or BENCH_TOOLS
 * names the folder of make-bundle.mjs and compare.mjs. Needs Linux and the Debian packages docker-registry, skopeo, unzip, zstd and time.
 * Prints a table for each bundle, then one figure per line with its target. Exits with 1 when a target is missed. The machine should be
 * idle otherwise.
 */
import { spawnSync } from 'node:child_process'
import { access, readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { temporaryFolder } from '../local/clean-up.ts'

const { values: options } = parseArgs({
  options: {
    tools: { type: 'string', default: process.env.BENCH_TOOLS ?? '' },
    sizes: { type: 'string', default: '1G,4G' },
    alone: { type: 'string', default: '10G' },
    rounds: { type: 'string', default: '5' },
    port: { type: 'string', default: '5055' },
    /** Folder in which the bundles are kept for the next measurement. */
    keep: { type: 'string' },
  },
})
if (options.tools === '') throw new Error('name the folder of make-bundle.mjs and compare.mjs: --tools DIR')

/** Kinds of bundles, with the maximum ratios to skopeo's time and processor time. */
const KINDS = [
  { name: 'plain layers, deflated', arguments: ['--layers', '8'], wall: 0.4, cpu: 0.4 },
  {
    name: 'gzip layers, stored',
    arguments: ['--format', 'docker-29-with-attestation', '--zip', 'stored'],
    wall: 0.2,
    cpu: 0.4,
  },
] as const
const MAX_PUSHED = 1.03
const MAX_MEMORY_MB = 256
const MAX_GROWTH = 1.1

interface Run {
  readonly name: string
  readonly round: number
  readonly wall: number
  readonly cpu: number
  readonly rssMB: number
  readonly pushed: number
  readonly noise: number
}

interface Result {
  readonly imageBytes: number
  readonly runs: readonly Run[]
}

let isMissed = false

function print(name: string, value: number, target: number): void {
  const isReached = value <= target
  isMissed ||= !isReached
  console.log(
    `${name.padEnd(60)} ${value.toFixed(2).padStart(8)}  target ≤ ${target}, ${isReached ? 'reached' : 'MISSED'}`,
  )
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2
}

function runTool(tool: string, args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, [join(options.tools, tool), ...args], { stdio: 'inherit' })
  if (status !== 0) throw new Error(`${tool} ended with ${status}`)
}

const exists = async (path: string): Promise<boolean> =>
  await access(path).then(
    () => true,
    () => false,
  )

await using temporary = options.keep === undefined ? await temporaryFolder('bench-import-') : undefined
const folder = options.keep ?? temporary?.path ?? ''
const importer = join(folder, 'import-once.cjs')
const OURS = `importer=${process.execPath} ${importer} {bundle} http://{registry}/{repo}:{tag}`

const listed = (sizes: string): readonly string[] => sizes.split(',').filter((size) => size !== '')

/** Path of a bundle, which is created if it does not exist. */
async function bundleOf({ name, arguments: shape }: (typeof KINDS)[number], size: string): Promise<string> {
  const bundle = join(folder, `${name.replaceAll(/[ ,]+/gu, '-')}-${size}.zip`)
  if (!(await exists(bundle))) {
    runTool('make-bundle.mjs', ['--out', bundle, '--size', size, '--seed', '1', ...shape])
  }
  return bundle
}

async function compare(bundle: string, rounds: string, contenders: readonly string[]): Promise<Result> {
  const figures = join(folder, 'figures.json')
  runTool('compare.mjs', [
    ...['--bundle', bundle, '--rounds', rounds, '--port', options.port],
    ...['--work', join(folder, 'work'), '--json', figures],
    ...contenders.flatMap((contender) => ['--contender', contender]),
  ])
  return JSON.parse(await readFile(figures, 'utf8')) as Result
}

// Built like a Lambda, into one file of JavaScript.
await build({
  entryPoints: [join(import.meta.dirname, 'import-once.ts')],
  outfile: importer,
  bundle: true,
  minifyWhitespace: true,
  minifySyntax: true,
  platform: 'node',
  mainFields: ['module', 'main'],
  format: 'cjs',
})
console.log(`Node ${process.version}, ${availableParallelism()} processors`)
for (const kind of KINDS) {
  const memories: number[] = []
  const rates: number[] = []
  const note = ({ runs, imageBytes }: Result): number => {
    const ours = runs.filter(({ name }) => name === 'importer')
    const memory = median(ours.map(({ rssMB }) => rssMB))
    memories.push(memory)
    rates.push(imageBytes / median(ours.map(({ wall }) => wall)))
    return memory
  }
  for (const size of listed(options.sizes)) {
    const result = await compare(await bundleOf(kind, size), options.rounds, ['skopeo', OURS])
    const { runs } = result
    const ours = runs.filter(({ name }) => name === 'importer')
    const ratio = (key: 'wall' | 'cpu' | 'pushed'): number =>
      median(
        ours.map((run) => {
          const base = runs.find(({ name, round }) => name === 'skopeo' && round === run.round)
          return run[key] / (base?.[key] ?? Number.NaN)
        }),
      )
    const name = `${kind.name}, ${size}: `
    print(`${name}time / skopeo's`, ratio('wall'), kind.wall)
    print(`${name}processor time / skopeo's`, ratio('cpu'), kind.cpu)
    print(`${name}bytes pushed / skopeo's`, ratio('pushed'), MAX_PUSHED)
    print(`${name}peak memory, MB`, note(result), MAX_MEMORY_MB)
  }
  for (const size of listed(options.alone)) {
    const memory = note(await compare(await bundleOf(kind, size), '1', [OURS]))
    print(`${kind.name}, ${size}, alone: peak memory, MB`, memory, MAX_MEMORY_MB)
  }
  const [firstMemory = 0, ...moreMemory] = memories
  const [firstRate = 0, ...moreRates] = rates
  for (const memory of moreMemory)
    print(`${kind.name}: memory / that of the first size`, memory / firstMemory, MAX_GROWTH)
  // The time of the smallest size includes the start of the process, which favours larger ones.
  for (const rate of moreRates)
    print(`${kind.name}: time per byte / that of the first size`, firstRate / rate, 1)
}
process.exitCode = isMissed ? 1 : 0
