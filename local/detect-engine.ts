import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { finished, pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import yauzl from 'yauzl'
import { type ContainerEngine, callEngine } from './container-engine.ts'
import { UserError } from './user-error.ts'

/** A bundle of this project whose image can be run without pulling anything. */
const PROBE = {
  bundle: join(import.meta.dirname, '../examples/add-and-echo/add-and-echo.zip'),
  image: 'localhost/add-and-echo:1.0.0',
  answer: 'ready',
} as const

const LIMITS = ['--cpus=0.25', '--memory=64m', '--memory-swap=64m'] as const

/** Root in a sandbox may not raise these limits, which podman does unless told to leave them. */
const KEEP_ULIMITS = ['--ulimit=nofile=1024:1024', '--ulimit=nproc=4096:4096'] as const

type Candidate = Omit<ContainerEngine, 'enforcesLimits'>

/** Engines in the order in which they are tried: without options first, as on most machines. */
const CANDIDATES: readonly Candidate[] = [
  { kind: 'docker', program: 'docker', globalArguments: [], runArguments: [] },
  { kind: 'podman', program: 'podman', globalArguments: [], runArguments: [] },
  { kind: 'podman', program: 'podman', globalArguments: [], runArguments: [...KEEP_ULIMITS] },
  { kind: 'podman', program: 'podman', globalArguments: ['--runtime=runc'], runArguments: [] },
  { kind: 'podman', program: 'podman', globalArguments: ['--runtime=runc'], runArguments: [...KEEP_ULIMITS] },
]

/**
 * Finds the engine that works here, and the options that it needs, by running a container.
 * @throws UserError when there is none.
 */
export async function detectEngine(): Promise<ContainerEngine> {
  const problems = new Map<string, string>()
  const loaded = new Map<string, boolean>()
  for (const enforcesLimits of [true, false]) {
    for (const candidate of CANDIDATES) {
      const engine = { ...candidate, kind: await kindOf(candidate), enforcesLimits }
      try {
        if (!loaded.has(engine.program)) loaded.set(engine.program, await loadProbe(engine))
        if (loaded.get(engine.program) && (await runProbe(engine)) === PROBE.answer) return engine
      } catch (error) {
        loaded.set(engine.program, loaded.get(engine.program) ?? false)
        problems.set(engine.program, (error as Error).message)
      }
    }
  }
  const details = [...problems].map(([program, message]) => `${program}: ${message}`).join('; ')
  throw new UserError(
    `No container engine works here: install docker or podman, and start it if it has a service (${details}).`,
  )
}

/** On some systems `docker` is podman under another name. */
async function kindOf({ kind, program }: Candidate): Promise<ContainerEngine['kind']> {
  if (kind === 'podman') return kind
  const { stdout } = await promisify(execFile)(program, ['--version']).catch(() => ({ stdout: '' }))
  return /podman/iu.test(stdout) ? 'podman' : 'docker'
}

/** @throws Error when the engine does not take the image. */
async function loadProbe(engine: ContainerEngine): Promise<true> {
  const zip = await yauzl.openPromise(PROBE.bundle, { autoClose: false })
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName !== 'image.tar') continue
      const loader = spawn(engine.program, [...engine.globalArguments, 'load'], {
        stdio: ['pipe', 'ignore', 'pipe'],
      })
    }
  } finally {
    zip.close()
  }
  return true
}

function runProbe(engine: ContainerEngine): Promise<string> {
  const limits = engine.enforcesLimits ? LIMITS : []
  const options = ['--rm', '--pull=never', '--network=none', ...engine.runArguments, ...limits]
  return callEngine(engine, 'run', ...options, PROBE.image, '--check')
}
