import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { loadArchive } from './batch/images.ts'
import { callEngine, type EngineProgram } from './container-engine.ts'
import { detectEmbedded } from './embedded/detect-embedded.ts'
import type { EngineSettings } from './engine/container-engine.ts'
import { PROBE, withProbeArchive } from './engine/probe-image.ts'
import { writeStrictProfile } from './engine/seccomp-profile.ts'
import { UserError } from './user-error.ts'

const LIMITS = ['--cpus=0.25', '--memory=64m', '--memory-swap=64m', '--pids-limit=4096']
/** Root in a sandbox may not raise these limits, which podman does unless it is told otherwise. */
const LOW_ULIMITS = ['--ulimit=nofile=1024:1024', '--ulimit=nproc=4096:4096']

/** Podman's seccomp profile with less in it. */
const PROFILE = join(import.meta.dirname, '../.local/seccomp-podman.json')

/** Options in the order in which they are tried: none first, as on most machines. */
const OPTIONS: Readonly<Record<EngineProgram['kind'], readonly Options[]>> = {
  docker: [{ globalArguments: [], runArguments: [] }],
  podman: [
    { globalArguments: [], runArguments: [] },
    { globalArguments: [], runArguments: LOW_ULIMITS },
    { globalArguments: ['--runtime=runc'], runArguments: [] },
    { globalArguments: ['--runtime=runc'], runArguments: LOW_ULIMITS },
  ],
}

type Options = Pick<EngineProgram, 'globalArguments' | 'runArguments'>

/** The engine for this machine's containers. */
export interface FoundEngine {
  readonly settings: EngineSettings
  /** Why it is this one: the end of a sentence. */
  readonly reason: string
}

/** In this order: an engine that somebody installed is the one that they know. */
const LADDER = ['docker', 'podman', 'embedded'] as const
type Kind = (typeof LADDER)[number]

/**
 * Finds the engine that works here, and the options that it needs, by running a container.
 * @param wanted the variable ENGINE: no other is tried then
 * @throws UserError when there is none.
 */
export async function detectEngine(wanted = process.env.ENGINE): Promise<FoundEngine> {
  if (wanted !== undefined && wanted !== '') return chosenEngine(wanted)
  const problems: string[] = []
  for (const kind of LADDER) {
    try {
      const settings = await tryEngine(kind)
      return { settings, reason: problems.join('; ') || 'the first that was tried' }
    } catch (error) {
      problems.push(`${kind}: ${(error as Error).message}`)
    }
  }
  throw new UserError(`No container engine works here: ${problems.join('; ')}.`)
}

async function chosenEngine(wanted: string): Promise<FoundEngine> {
  const kind = LADDER.find((known) => known === wanted)
  if (kind === undefined) {
    throw new UserError(
      `ENGINE is "${wanted}": expected docker, podman or embedded, or nothing to have one found.`,
    )
  }
  try {
    return { settings: await tryEngine(kind), reason: 'chosen with ENGINE' }
  } catch (error) {
    throw new UserError(`ENGINE is ${kind}, which does not work here: ${(error as Error).message}.`)
  }
}

function tryEngine(kind: Kind): Promise<EngineSettings> {
  return kind === 'embedded' ? detectEmbedded() : detectProgram(kind)
}

/**
 * Docker or podman with the options that it needs here.
 * @throws Error saying why the program cannot run a container.
 */
export async function detectProgram(program: string): Promise<EngineProgram> {
  const kind = await kindOf(program)
  const bare = { kind, program, globalArguments: [], runArguments: [], enforcesLimits: false }
  await withProbeArchive((archive) => loadArchive(bare, archive))
  const isStrict = kind === 'podman' && (await writeStrictProfile(PROFILE).catch(() => false))
  const strict: Options[] = OPTIONS[kind].map(({ globalArguments, runArguments }) => ({
    globalArguments,
    runArguments: [...runArguments, `--security-opt=seccomp=${PROFILE}`],
  }))
  let problem: unknown
  for (const enforcesLimits of [true, false]) {
    for (const options of isStrict ? [...strict, ...OPTIONS[kind]] : OPTIONS[kind]) {
      const engine = { kind, program, ...options, enforcesLimits }
      try {
        await runProbe(engine)
        return engine
      } catch (error) {
        problem = error
      }
    }
  }
  throw problem
}

/** On some systems `docker` is podman under another name. */
async function kindOf(program: string): Promise<EngineProgram['kind']> {
  const { stdout } = await promisify(execFile)(program, ['--version']).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error('not installed')
    throw error
  })
  return /podman/iu.test(stdout) ? 'podman' : 'docker'
}

/** @throws Error when the container does not say what it should. */
async function runProbe(engine: EngineProgram): Promise<void> {
  const limits = engine.enforcesLimits ? LIMITS : []
  const options = ['--rm', '--pull=never', '--network=none', ...engine.runArguments, ...limits]
  const answer = await callEngine(engine, 'run', ...options, PROBE.image, ...PROBE.words)
  if (answer !== PROBE.answer) throw new Error(`a container said "${answer}" instead of "${PROBE.answer}"`)
}
