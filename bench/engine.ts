/*
 * Measures the time from the start to the exit of a container that does nothing, for each installed engine:
 *
 *   npm run bench:engine [-- [--rounds 20]]
 *
 * The engines take turns; the first round is not counted. Prints medians, and exits with 1 when the embedded engine takes more than a
 * quarter of podman's time.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cleanUp, temporaryFolder } from '../local/clean-up.ts'
import { detectEngine } from '../local/detect-engine.ts'
import { createContainerEngine } from '../local/engine/container-engine.ts'
import type { ContainerEngine } from '../local/engine/container-run.ts'
import { withProbeArchive } from '../local/engine/probe-image.ts'
import { probeTask } from '../local/engine/probe-task.ts'
import { timeOf } from './measure.ts'
import { quantile } from './quantile.ts'

const KINDS = ['docker', 'podman', 'embedded'] as const
const TARGET_SHARE = 0.25

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } })
const ROUNDS = Number(options.rounds)
if (!Number.isSafeInteger(ROUNDS) || ROUNDS < 1) throw new Error('--rounds takes a whole number')

const instance = `bench-${process.pid}`
await using folder = await temporaryFolder('bench-engine-')
const removals: Promise<unknown>[] = []
const engines: ContainerEngine[] = []
const ending = new AbortController()
await using _containers = cleanUp(async () => {
  ending.abort()
  await Promise.allSettled(removals)
  for (const engine of engines) await engine.removeStaleContainers()
})
for (const kind of KINDS) {
  const preparation = prepare(kind)
  removals.push(preparation)
  const engine = await preparation.catch((error: Error) => console.log(`skipped: ${error.message}`))
  if (engine) engines.push(engine)
}
report(await measure())

async function prepare(kind: string): Promise<ContainerEngine> {
  const { settings } = await detectEngine({ wanted: kind, instance, signal: ending.signal })
  const engine = createContainerEngine(settings, {
    instance,
    stateDirectory: join(folder.path, kind),
    afterwards: (work) => void removals.push(work),
  })
  await withProbeArchive((archive) => engine.images.load(archive))
  return engine
}

async function measure(): Promise<ReadonlyMap<string, readonly number[]>> {
  const times = new Map<string, number[]>(engines.map(({ kind }) => [kind, []]))
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const engine of engines) {
      const ms = await timeOf(() => runOnce(engine, round))
      // The clean-up of one container must not slow down the next one.
      await Promise.allSettled(removals.splice(0))
      if (round > 0) times.get(engine.kind)?.push(ms)
    }
  }
  return times
}

async function runOnce(engine: ContainerEngine, round: number): Promise<void> {
  ending.signal.throwIfAborted()
  const run = engine.run({
    task: probeTask({ instance, jobId: `bench-${round}`, root: folder.path }),
    logs: undefined,
    signal: ending.signal,
    onStarted: () => {},
  })
  // An aborted run removes its container before it ends.
  removals.push(run)
  const { exitCode, reason } = await run
  if (exitCode !== 0) throw new Error(`${engine.kind}: the container ended with ${exitCode}: ${reason}`)
}

function report(times: ReadonlyMap<string, readonly number[]>): void {
  const medianOf = (kind: string): number | undefined => {
    const values = times.get(kind)
    return values === undefined ? undefined : quantile(values, 0.5)
  }
  for (const kind of times.keys()) {
    console.log(`${`start to exit, ${kind}, median`.padEnd(40)} ${medianOf(kind)?.toFixed(0)} ms`)
  }
  const [podman, embedded] = [medianOf('podman'), medianOf('embedded')]
  if (podman === undefined || embedded === undefined) return
  const share = embedded / podman
  const isReached = share <= TARGET_SHARE
  console.log(
    `${'ratio embedded / podman'.padEnd(40)} ${share.toFixed(2)}, target <= ${TARGET_SHARE}, ${isReached ? 'reached' : 'MISSED'}`,
  )
  if (!isReached) process.exitCode = 1
}
