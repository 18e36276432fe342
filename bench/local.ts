/*
 * Imports a large bundle and stores a large output on a local stack, and adds up the memory of all its processes:
 *
 *   npm run bench:local -- --tools DIR [--bundle 10G] [--output 5G] [--keep FILE]
 *
 * make-bundle.mjs, from the folder that --tools or BENCH_TOOLS names, creates the bundle (stored, plain layers, half of it random), unless
 * the file of --keep exists. A process instead of a container writes the output. The memory of each kind of process is its peak times the
 * maximum number of concurrent ones, so that the sum is an upper bound. Linux only.
 */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { PROJECT } from '../local/aws-environment.ts'
import { temporaryFolder } from '../local/clean-up.ts'
import { type LocalStack, startTemporaryStack } from '../local/stack.ts'
import { createProgress } from '../src/shared/progress.ts'
import { aBundle, aDescriptorText, aLayer, dockerArchive, packZip } from '../test/fixtures/bundle-builder.ts'
import { watchStack } from './stack-watch.ts'

const MAX_MEMORY_MIB = 2048
const POLL_MS = 500
const MEGABYTE = 1_000_000

const { values: options } = parseArgs({
  options: {
    tools: { type: 'string', default: process.env.BENCH_TOOLS ?? '' },
    bundle: { type: 'string', default: '10G' },
    output: { type: 'string', default: '5G' },
    keep: { type: 'string' },
  },
})
const progress = createProgress(process.stdout)
await using folder = await temporaryFolder('bench-local-')
const bundle = options.keep ?? join(folder.path, 'bundle.zip')
if (!existsSync(bundle)) await progress.step(`bundle of ${options.bundle} created`, async () => makeBundle())
// Writes zeros, because a sparse file would occupy no disk.
const script = `head -c ${options.output} /dev/zero >"$0/file"`
await using stack = await startTemporaryStack({
  instance: `bench-${randomBytes(4).toString('hex')}`,
  taskProcess: ['sh', '-c', script, '/outputs'],
  progress,
})
const watch = watchStack(stack)
try {
  await uploadBundle(stack)
  await runLargeOutput(stack)
  report(watch)
} finally {
  watch.stop()
}

function makeBundle(): void {
  if (options.tools === '') throw new Error('name the folder of make-bundle.mjs: --tools DIR')
  const words = [
    '--out',
    bundle,
    '--size',
    options.bundle,
    '--layers',
    '8',
    '--zip',
    'stored',
    '--random',
    '0.5',
  ]
  const { status, stderr } = spawnSync('node', [join(options.tools, 'make-bundle.mjs'), ...words])
  if (status !== 0) throw new Error(`make-bundle.mjs failed: ${stderr}`)
}

async function uploadBundle(stack: LocalStack): Promise<void> {
  const { size } = await stat(bundle)
  const startedAt = performance.now()
  const words = [join(PROJECT, 'cli/main.ts'), 'upload', bundle, '--no-check', '--url', stack.baseUrl]
  const { status } = spawnSync(process.execPath, words, { stdio: 'inherit' })
  if (status !== 0) throw new Error('the upload failed')
  const seconds = (performance.now() - startedAt) / 1000
  print('upload and import', seconds, 's')
  print('upload and import, rate', size / MEGABYTE / seconds, 'MB/s')
}

/** Installs a task with one file as its output, and runs it. */
async function runLargeOutput(stack: LocalStack): Promise<void> {
  const call = async (method: string, path: string, body?: FormData | string): Promise<Response> => {
    const headers: Record<string, string> =
      typeof body === 'string' ? { 'content-type': 'application/json' } : {}
    const answer = await fetch(new URL(path, stack.baseUrl), { method, headers, ...(body && { body }) })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }
  const descriptor = aDescriptorText({ namespace: 'org.example.large', version: '1.0.0' }).replace(
    /outputs:[\s\S]*$/u,
    'outputs:\n  file:\n    display_name: File\n    description: Large.\n    type: file\n',
  )
  const image = await dockerArchive({ layers: [await aLayer()] })
  const form = new FormData()
  form.append('task', new Blob([await packZip(await aBundle({ descriptor, image }))]), 'large.zip')
  await call('POST', 'tasks', form)
  const { id } = (await (await call('POST', 'tasks/org.example.large/1.0.0/runs')).json()) as { id: string }
  await call('PUT', `task-runs/${id}/input-provisions/a`, '{"value":1}')
  const startedAt = performance.now()
  await call('POST', `task-runs/${id}/state-actions`, '{"desired":"RUNNING"}')
  for (let state = ''; state !== 'FINISHED'; await pause(POLL_MS)) {
    const run = (await (await call('GET', `task-runs/${id}`)).json()) as { state: string; error?: object }
    if (run.state === 'FAILED') throw new Error(`the run failed: ${JSON.stringify(run.error)}`)
    state = run.state
  }
  print(`run with an output of ${options.output}`, (performance.now() - startedAt) / 1000, 's')
}

function report(watch: ReturnType<typeof watchStack>): void {
  const most = new Map(watch.mostAtATime().map((one) => [one.name, one.most]))
  let sum = 0
  for (const { name, peakMib } of watch.peaks()) {
    const times = most.get(name) ?? 1
    sum += peakMib * times
    print(`peak memory of ${name}${times > 1 ? `, ${times} concurrent` : ''}`, peakMib, 'MiB')
  }
  print(`sum (target ${MAX_MEMORY_MIB})`, sum, 'MiB')
  if (sum > MAX_MEMORY_MIB) process.exitCode = 1
}

function print(name: string, value: number, unit: string): void {
  console.log(`${name.padEnd(60)} ${value.toFixed(1).padStart(9)} ${unit}`)
}
