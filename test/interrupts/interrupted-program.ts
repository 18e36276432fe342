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

/** npm keeps its own compiled modules in the temporary folder otherwise. */
const COMPILE_CACHE = join(PROJECT, '.local/compile-cache')
const POLL_MS = 100
const OUTPUT_TAIL = 2000

/** What is there when a program is interrupted. */
export interface Moment {
  /** Everything printed so far. */
  readonly output: string
  /** Command lines of its processes, itself included. */
  readonly commands: readonly string[]
}

/** What a program left behind. */
export interface Leftovers {
  /** Command lines of processes that it started, directly or not. */
  readonly processes: readonly string[]
  /** Names of containers of its stacks. */
  readonly containers: readonly string[]
  /** Folders of its stacks below `.local/`, and entries of its temporary folder. */
  readonly folders: readonly string[]
}

/**
 * Runs an npm script in a process group of its own, as a terminal does, and sends the group SIGINT as soon as `isTime` says so.
 * @throws Error with the end of its output when it ends before.
 */
export async function interrupt(
  words: readonly string[],
  isTime: (moment: Moment) => boolean,
  variables: NodeJS.ProcessEnv = {},
): Promise<Leftovers> {
  const temporary = await mkdtemp(join(tmpdir(), 'interrupts-'))
  const program = start(words, { ...variables, TMPDIR: temporary, NODE_COMPILE_CACHE: COMPILE_CACHE })
  try {
    while (!isTime(program.look())) {
      if (program.child.exitCode !== null) throw new Error(`it ended before: ${program.outputTail()}`)
      await pause(POLL_MS)
    }
    process.kill(-(program.child.pid ?? 0), 'SIGINT')
    await program.closed
    const instances = program.instances()
    return {
      processes: program.remaining().map(({ command }) => command),
      containers: instances.flatMap(containersOf),
      folders: [
        ...instances
          .map((instance) => join('.local', instance))
          .filter((path) => existsSync(join(PROJECT, path))),
        ...(await readdir(temporary)),
      ],
    }
  } finally {
    for (const { pid } of program.remaining()) kill(pid)
    await rm(temporary, { recursive: true, force: true })
  }
}

interface Program {
  readonly child: ChildProcess
  readonly closed: Promise<unknown>
  /** Looks for processes of the program that have come since the last time. */
  look(): Moment
  outputTail(): string
  /** Processes of it that run. */
  remaining(): SeenProcess[]
  /** Names of the local stacks that it started. */
  instances(): string[]
}

/** Its processes are known by a variable that they inherit, or by a parent that is known. */
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
    const pids = new Set<number>()
    // A child has a parent that was found before it, unless numbers have been used up: then it is found at the next look.
    for (const one of running) {
      const isOwn = seen.has(one.id) || one.environment.includes(mark) || pids.has(one.parent)
      if (!isOwn) continue
      pids.add(one.pid)
      seen.set(one.id, one)
    }
    return running.filter(({ pid }) => pids.has(pid))
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

/** Of the Batch server's variables, or of the command line that starts a container. */
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
    // Null where the engine is not installed.
    return (stdout ?? '').split('\n').filter(Boolean)
  })
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
