import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import { PLACES } from '../places.ts'

/** The embedded engine in the form that works on this machine. */
export const embeddedSettingsSchema = z.object({
  kind: z.literal('embedded'),
  /** Starts the launcher (`launcher/main.py`); a subcommand and its argument follow. */
  command: z.array(z.string()).min(1),
  /** How limits are enforced, in the launcher's terms. */
  limits: z.string(),
})
export type EmbeddedSettings = z.infer<typeof embeddedSettingsSchema>

const PROGRAM = PLACES.launcher
/** Kept length of a subcommand's error output. */
const ERROR_CHARACTERS = 500
const POLL_MS = 20
/** A launcher kills its container as soon as it receives SIGTERM. */
const END_TIMEOUT_MS = 5000

/** The launcher's command: Python without the user's settings and packages. `before` is a command that starts it. */
export function launcherCommand(python: string, before: readonly string[] = []): string[] {
  return [...before, python, '-I', '-S', '-X', 'utf8', '-X', `pycache_prefix=${PLACES.pythonCache}`, PROGRAM]
}

type Subcommand = 'run' | 'unpack' | 'remove' | 'clean'

/** Starts a subcommand with pipes for its input, its output and its reports. */
export function startLauncher(
  command: readonly string[],
  subcommand: Subcommand,
  argument: string,
): ChildProcess {
  const [program = '', ...words] = command
  return spawn(program, [...words, subcommand, argument], {
    // Containers get no variable of the user's environment. `systemd-run` needs the last two.
    env: pick(['PATH', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS']),
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  })
}

function pick(names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(names.map((name) => [name, process.env[name]]))
}

/**
 * Waits until a subcommand without output has ended.
 * @throws Error with the end of its error output
 */
export async function finished(child: ChildProcess): Promise<void> {
  let said = ''
  child.stdout?.resume()
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-ERROR_CHARACTERS)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(said.trim().split('\n').at(-1) || `it ended with ${code}`)
}

/** Runs a subcommand without input. */
export async function callLauncher(
  command: readonly string[],
  subcommand: 'remove' | 'clean',
  argument: string,
): Promise<void> {
  const child = startLauncher(command, subcommand, argument)
  child.stdin?.end()
  await finished(child)
}

interface RunningLauncher {
  readonly pid: number
  /** Name of the container. */
  readonly name: string
}

/** Launchers of this user's containers whose name has this prefix, whichever process started them. */
export async function findLaunchers(prefix: string): Promise<RunningLauncher[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/u.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
      const at = words.indexOf(PROGRAM)
      const name = at > 0 && words[at + 1] === 'run' ? (words[at + 2] ?? '') : ''
      const isFound = name.startsWith(prefix) && (await userOf(pid)) === process.getuid?.()
      return isFound ? [{ pid: Number(pid), name }] : []
    }),
  )
  return found.flat()
}

/** Owner of a process. Its folder in /proc belongs to root when it has a user namespace of its own. */
async function userOf(pid: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^Uid:\s+([0-9]+)/mu.exec(status)?.[1])
}

/** Ends launchers with their containers, and removes the remains of killed ones. */
export async function removeContainers(command: readonly string[], prefix: string): Promise<void> {
  const giveUpAt = Date.now() + END_TIMEOUT_MS
  for (;;) {
    const running = await findLaunchers(prefix)
    if (running.length === 0) break
    for (const { pid } of running) signal(pid, Date.now() < giveUpAt ? 'SIGTERM' : 'SIGKILL')
    await delay(POLL_MS)
  }
  await callLauncher(command, 'clean', prefix)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
