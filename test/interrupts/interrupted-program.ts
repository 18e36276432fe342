import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { PROJECT } from '../../local/aws-environment.ts'
import { LABELS } from '../../local/container-engine.ts'
import { runningProcesses, type SeenProcess } from './process-table.ts'

/** Folder for npm's compiled modules, which it would leave in the temporary folder otherwise. */
const COMPILE_CACHE = join(PROJECT, '.local/compile-cache')
const POLL_MS = 100
const OUTPUT_TAIL = 2000

/** Output and processes of a running program. */
export interface Moment {
  /** Everything printed so far. */
  readonly output: string
  /** Command lines of the program and its descendants. */
  readonly commands: readonly string[]
}

/** Resources of a program that still exist after its end. */
export interface RemainingResources {
  /** Command lines of its descendants. */
  readonly processes: readonly string[]
  /** Names of containers of its stacks. */
  readonly containers: readonly string[]
  /** Folders of its stacks below `.local/`, and entries of its temporary folder. */
  readonly folders: readonly string[]
}

/** Result of an interrupted program. */
export interface Interruption {
  /** Time from SIGINT to the end of the program. */
  readonly seconds: number
  readonly remaining: RemainingResources
}

/**
 * Runs an npm script in its own process group, like a terminal, and sends SIGINT to the group as soon as `isTime` is true.
 * @throws Error with the end of the output when the program ends before; the reason of `signal` when that is aborted
 */
export async function interrupt(
  words: readonly string[],
  isTime: (moment: Moment) => boolean,
  { signal, variables = {} }: { readonly signal: AbortSignal; readonly variables?: NodeJS.ProcessEnv },
): Promise<Interruption> {
  const temporary = await mkdtemp(join(tmpdir(), 'interrupts-'))
  const program = start(words, { ...variables, TMPDIR: temporary, NODE_COMPILE_CACHE: COMPILE_CACHE })
  try {
    while (!isTime(program.look())) {
      signal.throwIfAborted()
      if (program.child.exitCode !== null)
        throw new Error(`npm run ${words.join(' ')} ended before: ${program.outputTail()}`)
      await pause(POLL_MS)
    }
    const interruptedAt = performance.now()
    process.kill(-(program.child.pid ?? 0), 'SIGINT')
    await program.closed
    const seconds = (performance.now() - interruptedAt) / 1000
    return { seconds, remaining: await remainingResourcesOf(program, temporary) }
  } finally {
    for (const { pid } of program.remaining()) kill(pid)
    await rm(temporary, { recursive: true, force: true })
  }
}

async function remainingResourcesOf(program: Program, temporary: string): Promise<RemainingResources> {
  const instances = program.instances()
  const folders = instances
    .map((instance) => join('.local', instance))
    .filter((path) => existsSync(join(PROJECT, path)))
  return {
    processes: program.remaining().map(({ command }) => command),
    containers: instances.flatMap(containersOf),
    folders: [...folders, ...(await readdir(temporary))],
  }
}

interface Program {
  readonly child: ChildProcess
  readonly closed: Promise<unknown>
  /** Must be called often, because it misses a process that starts and ends between two calls. */
  look(): Moment
  outputTail(): string
  /** Running processes that belong to the program. */
  remaining(): SeenProcess[]
  /** Names of the local stacks that it has started. */
  instances(): string[]
}

/** Starts the program. A process belongs to it if it has inherited a certain variable, or if its parent belongs to it. */
function start(words: readonly string[], variables: NodeJS.ProcessEnv): Program {
  const mark = `INTERRUPTED_PROGRAM=${randomUUID()}`
  const [name = '', value = ''] = mark.split('=')
  const child = spawn('npm', ['run', ...words], {
    cwd: PROJECT,
    env: { ...process.env, ...variables, [name]: value },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const seen = new Map<string, SeenProcess>()
  const remaining = (): SeenProcess[] => {
    const running = runningProcesses()
    const children = Map.groupBy(running, ({ parent }) => parent)
    const own = new Set(running.filter(({ id, environment }) => seen.has(id) || environment.includes(mark)))
    // The set grows while it is iterated over.
    for (const { pid } of own) for (const child of children.get(pid) ?? []) own.add(child)
    for (const one of own) seen.set(one.id, one)
    return [...own]
  }
  return {
    child,
    closed: once(child, 'close'),
    look: () => ({ commands: remaining().map(({ command }) => command), output }),
    outputTail: () => output.slice(-OUTPUT_TAIL),
    remaining,
    instances: () => [...new Set([...seen.values()].flatMap(instanceOf))],
  }
}

/** Names of local stacks in the variables of the Batch server and in command lines that start containers. */
function instanceOf({ environment, command }: SeenProcess): string[] {
  const ofBatch = /(?:^|\0)INSTANCE=([^\0]+)/u.exec(environment)?.[1]
  const ofContainer = new RegExp(`${LABELS.instance}=([a-z0-9-]+)`, 'u').exec(command)?.[1]
  return [ofBatch, ofContainer].filter((name) => name !== undefined)
}

function containersOf(instance: string): string[] {
  return ['docker', 'podman'].flatMap((engine) => {
    const filter = `label=${LABELS.instance}=${instance}`
    const { stdout } = spawnSync(engine, ['ps', '--all', '--format={{.Names}}', '--filter', filter], {
      encoding: 'utf8',
    })
    // Null if the engine is not installed.
    return (stdout ?? '').split('\n').filter(Boolean)
  })
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has already ended (ESRCH).
  }
}
