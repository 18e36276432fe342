import { randomUUID } from 'node:crypto'
import { loadArchive } from './batch/images.ts'
import { callEngineUntil, type EngineProgram, LABELS, removeContainers } from './container-engine.ts'
import { detectEmbedded } from './embedded/detect-embedded.ts'
import type { EngineSettings } from './engine/container-engine.ts'
import { PROBE, withProbeArchive } from './engine/probe-image.ts'
import { writeStrictProfile } from './engine/seccomp-profile.ts'
import { PLACES } from './places.ts'
import { runProgram } from './run-program.ts'
import { UserError } from './user-error.ts'

const LIMITS = ['--cpus=0.25', '--memory=64m', '--memory-swap=64m', '--pids-limit=4096']
/** Podman raises these limits by default, which root in a sandbox is not allowed to do. */
const LOW_ULIMITS = ['--ulimit=nofile=1024:1024', '--ulimit=nproc=4096:4096']

/** Podman's seccomp profile with fewer system calls. */
const PROFILE = PLACES.seccompProfile

/** Options in the order in which they are tried; most machines need none. */
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

/** Container engine of this machine. */
export interface FoundEngine {
  readonly settings: EngineSettings
  /** Why this engine was chosen, as the end of a sentence. */
  readonly reason: string
}

/** Engines in the order in which they are tried. Installed ones come first, because their users know them. */
const LADDER = ['docker', 'podman', 'embedded'] as const
type Kind = (typeof LADDER)[number]

/** Label and abort signal of the containers that a detection starts. */
export interface Search {
  /** Value of the containers' label. */
  readonly instance: string
  /** Ends the detection; a running container is removed. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Finds an engine that works on this machine, and the options that it needs, by running a container.
 * @param wanted value of the variable ENGINE: the only engine to try
 * @throws UserError when there is none; the reason of an aborted signal
 */
export async function detectEngine({
  wanted = process.env.ENGINE,
  ...search
}: Search & { readonly wanted?: string | undefined }): Promise<FoundEngine> {
  if (wanted !== undefined && wanted !== '') return chosenEngine(wanted, search)
  const problems: string[] = []
  for (const kind of LADDER) {
    try {
      const settings = await tryEngine(kind, search)
      return { settings, reason: problems.join('; ') || 'the first one tried' }
    } catch (error) {
      search.signal?.throwIfAborted()
      problems.push(`${kind}: ${messageOf(error)}`)
    }
  }
  throw new UserError(`No container engine works here: ${problems.join('; ')}.`)
}

async function chosenEngine(wanted: string, search: Search): Promise<FoundEngine> {
  const kind = LADDER.find((known) => known === wanted)
  if (kind === undefined) {
    throw new UserError(
      `ENGINE is "${wanted}": expected docker, podman or embedded; unset it to use the first one that works.`,
    )
  }
  try {
    return { settings: await tryEngine(kind, search), reason: 'chosen with ENGINE' }
  } catch (error) {
    search.signal?.throwIfAborted()
    throw new UserError(`ENGINE is ${kind}, which does not work here: ${messageOf(error)}.`)
  }
}

/** Message to be part of a sentence. */
function messageOf(error: unknown): string {
  return (error as Error).message.replace(/\.$/u, '')
}

function tryEngine(kind: Kind, search: Search): Promise<EngineSettings> {
  return kind === 'embedded' ? detectEmbedded(search.signal) : detectProgram(kind, search)
}

/**
 * Docker or podman with the options that it needs here.
 * @throws Error with the reason for which the program cannot run a container
 */
export async function detectProgram(program: string, search: Search): Promise<EngineProgram> {
  const kind = await kindOf(program, search)
  const bare = { kind, program, globalArguments: [], runArguments: [], enforcesLimits: false }
  await withProbeArchive((archive) => loadArchive(bare, archive, search.signal))
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
        await runProbe(engine, search)
        return engine
      } catch (error) {
        search.signal?.throwIfAborted()
        problem = error
      }
    }
  }
  throw problem
}

/** On some systems `docker` is podman. */
async function kindOf(program: string, { signal }: Search): Promise<EngineProgram['kind']> {
  const { stdout } = await runProgram([program, '--version'], { signal }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error('not installed')
    throw error
  })
  return /podman/iu.test(stdout) ? 'podman' : 'docker'
}

/** @throws Error when the container's output is not the expected one */
async function runProbe(engine: EngineProgram, { instance, signal }: Search): Promise<void> {
  const limits = engine.enforcesLimits ? LIMITS : []
  const name = `app-engine-${instance}-probe-${randomUUID()}`
  const identity = [`--name=${name}`, `--label=${LABELS.instance}=${instance}`]
  const options = ['--rm', ...identity, '--pull=never', '--network=none', ...engine.runArguments, ...limits]
  const words = ['run', ...options, PROBE.image, ...PROBE.words]
  const answer = await callEngineUntil(signal, engine, words).catch(async (error: unknown) => {
    // An engine that was killed while it created the container does not remove it.
    if (signal?.aborted) await removeContainers(engine, [name]).catch(() => undefined)
    throw error
  })
  if (answer !== PROBE.answer) throw new Error(`a container printed "${answer}" instead of "${PROBE.answer}"`)
}
