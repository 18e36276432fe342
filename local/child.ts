import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { lastLines } from './container-engine.ts'
import { signalGroup } from './run-program.ts'

/** A long-running program of local mode. */
export interface Child {
  readonly pid: number
  /** Resolves when the program has ended for any reason. */
  readonly ended: Promise<void>
  /**
   * Ends the program and all processes that it started.
   * @param patienceMs time-out, after which the program is killed
   */
  stop(patienceMs?: number): Promise<void>
}

export interface ChildOptions {
  readonly command: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  readonly directory: string
  readonly logFile: string
  /** A program of this project. It sends `ready` over the IPC channel, and ends when the channel closes. */
  readonly isOurs: boolean
  /** Kills the program while it starts; no effect afterwards. */
  readonly signal?: AbortSignal | undefined
}

/** Default time-out of a stop. The emulator takes up to four seconds after SIGTERM. */
const STOP_TIMEOUT_MS = 8000

/** Starts a program in its own process group, so that Ctrl-C reaches it through {@link Child.stop} only. */
export function startChild({
  command,
  environment,
  directory,
  logFile,
  isOurs,
  signal,
}: ChildOptions): Child & {
  readonly process: ChildProcess
} {
  signal?.throwIfAborted()
  const [program = '', ...words] = command
  mkdirSync(dirname(logFile), { recursive: true })
  const log = openSync(logFile, 'a')
  const child = spawn(program, words, {
    cwd: directory,
    env: environment,
    detached: true,
    stdio: ['ignore', log, log, ...(isOurs ? ['ipc' as const] : [])],
  })
  closeSync(log)
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })
  const pid = child.pid ?? 0
  return {
    process: child,
    pid,
    ended,
    async stop(patienceMs = STOP_TIMEOUT_MS) {
      if (pid === 0) return
      signalGroup(pid, 'SIGTERM')
      await Promise.race([ended, delay(patienceMs, undefined, { ref: false })])
      // Kills the group even after an orderly exit: its child processes may still run.
      signalGroup(pid, 'SIGKILL')
      await ended
    },
  }
}

/**
 * Starts a program of this project and waits until it is ready.
 * @throws Error with the end of its log when it ends before
 */
export async function startOurs(options: Omit<ChildOptions, 'isOurs'>): Promise<Child> {
  const child = startChild({ ...options, isOurs: true })
  const ready = new Promise<'ready'>((resolve) => {
    child.process.on('message', (message) => {
      if (message === 'ready') resolve('ready')
    })
  })
  const { signal } = options
  if ((await Promise.race([ready, child.ended, whenAborted(signal)])) === 'ready') return child
  await child.stop(0)
  signal?.throwIfAborted()
  throw new Error(`${options.command.join(' ')} ended: ${endOfLog(options.logFile)}`)
}

/** Resolves when the signal is aborted. */
export function whenAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    signal?.addEventListener('abort', () => resolve(), { once: true })
    if (signal?.aborted) resolve()
  })
}

/** The last lines of a child's output. */
export function endOfLog(logFile: string): string {
  return lastLines(readFileSync(logFile, 'utf8'))
}
