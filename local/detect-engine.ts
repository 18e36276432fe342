import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { loadArchive } from './batch/images.ts'
import { callEngine, type EngineProgram } from './container-engine.ts'
import { PROBE, withProbeArchive } from './engine/probe-image.ts'
import { UserError } from './user-error.ts'

const LIMITS = ['--cpus=0.25', '--memory=64m', '--memory-swap=64m', '--pids-limit=4096']
/** Root in a sandbox may not raise these limits, which podman does unless it is told otherwise. */
const LOW_ULIMITS = ['--ulimit=nofile=1024:1024', '--ulimit=nproc=4096:4096']

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

/**
 * Finds the engine that works here, and the options that it needs, by running a container.
 * @throws UserError when there is none.
 */
export async function detectEngine(): Promise<EngineProgram> {
  const problems: string[] = []
  for (const program of ['docker', 'podman']) {
    try {
      return await tryProgram(program)
    } catch (error) {
      problems.push(`${program}: ${(error as Error).message}`)
    }
  }
  throw new UserError(
    `No container engine works here: install docker or podman, and start it if it is a service (${problems.join('; ')}).`,
  )
}

/** @throws Error saying why the program cannot run a container. */
async function tryProgram(program: string): Promise<EngineProgram> {
  const kind = await kindOf(program)
  const bare = { kind, program, globalArguments: [], runArguments: [], enforcesLimits: false }
  await withProbeArchive((archive) => loadArchive(bare, archive))
  let problem: unknown
  for (const enforcesLimits of [true, false]) {
    for (const options of OPTIONS[kind]) {
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
  const { stdout } = await promisify(execFile)(program, ['--version'])
  return /podman/iu.test(stdout) ? 'podman' : 'docker'
}

/** @throws Error when the container does not say what it should. */
async function runProbe(engine: EngineProgram): Promise<void> {
  const limits = engine.enforcesLimits ? LIMITS : []
  const options = ['--rm', '--pull=never', '--network=none', ...engine.runArguments, ...limits]
  const answer = await callEngine(engine, 'run', ...options, PROBE.image, ...PROBE.words)
  if (answer !== PROBE.answer) throw new Error(`a container said "${answer}" instead of "${PROBE.answer}"`)
}
