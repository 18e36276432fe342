import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'

export interface ProgramOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Ends the program and all processes that it started. */
  readonly signal?: AbortSignal | undefined
}

export interface ProgramOutput {
  readonly stdout: string
  readonly stderr: string
}

/** A program exited with an unexpected code. */
export class ProgramFailedError extends Error implements ProgramOutput {
  readonly stdout: string
  readonly stderr: string

  constructor(command: string, end: number | NodeJS.Signals, { stdout, stderr }: ProgramOutput) {
    super(`${command} ended with ${end}`)
    this.stdout = stdout
    this.stderr = stderr
  }
}

const MAX_OUTPUT_CHARACTERS = 64 * 1024 * 1024
/** Time for a program to remove its temporary files after SIGINT. */
const INTERRUPT_TIMEOUT_MS = 1000

/**
 * Runs a program to its end.
 * @throws ProgramFailedError; the reason of `signal` when that is aborted, after the program's end; Error of `spawn`
 */
export async function runProgram(
  [program = '', ...words]: readonly string[],
  { signal, ...options }: ProgramOptions = {},
): Promise<ProgramOutput> {
  signal?.throwIfAborted()
  // With a signal, the program gets a process group, which is ended as a whole. Without one, Ctrl-C must reach the program.
  const child = spawn(program, words, {
    ...options,
    detached: signal !== undefined,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await once(child, 'spawn')
  let ending: Promise<void> | undefined
  const stop = (): void => {
    ending ??= endGroup(child.pid ?? 0, once(child, 'exit'))
  }
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted) stop()
  try {
    const [[code, killer], stdout, stderr] = await Promise.all([
      once(child, 'close'),
      collect(child.stdout),
      collect(child.stderr),
    ])
    if (signal?.aborted) throw signal.reason
    if (code !== 0) throw new ProgramFailedError(program, code ?? killer, { stdout, stderr })
    return { stdout, stderr }
  } finally {
    signal?.removeEventListener('abort', stop)
    await ending
  }
}

async function endGroup(leader: number, ended: Promise<unknown>): Promise<void> {
  signalGroup(leader, 'SIGINT')
  await Promise.race([ended, delay(INTERRUPT_TIMEOUT_MS, undefined, { ref: false })])
  // Sent even after an orderly end, because programs that it started may still run.
  signalGroup(leader, 'SIGKILL')
}

/** Sends a signal to all processes of a group, if any are left. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function collect(stream: AsyncIterable<Buffer> & NodeJS.ReadableStream): Promise<string> {
  let text = ''
  stream.setEncoding('utf8')
  for await (const chunk of stream) {
    text += chunk
    if (text.length > MAX_OUTPUT_CHARACTERS) throw new Error('a program printed more than 64 MiB')
  }
  return text
}
