import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { pause } from '../../src/shared/pause.ts'
import { callEngine, type EngineProgram, lastLines, removeContainers } from '../container-engine.ts'
import type { RunEnd, RunOptions } from '../engine/container-run.ts'
import { lowerPriority } from '../lower-priority.ts'
import { containerName, environmentOf, processArguments, runArguments } from './container-arguments.ts'
import type { LogStream } from './log-stream.ts'

/** Start of ECS's reason for a container that could not be created or started. */
export const CANNOT_START = 'CannotStartContainerError: '
/** Exit code of a container that was killed. */
export const KILLED_EXIT_CODE = 128 + constants.signals.SIGKILL
/** When a killed container does not end within this time, its engine process is killed too, and its output is not awaited. */
const KILL_TIMEOUT_MS = 5000
/** Pause between attempts to kill a container. */
const KILL_PAUSE_MS = 200
/** Maximum number of characters that are kept of the end of an error output. */
const ERROR_TAIL_CHARACTERS = 2000

/**
 * Runs the container with the engine: one attached `run`, since separate create, start and wait commands take twice as long. Its
 * remains are removed through `afterwards`, so that the job does not wait.
 */
export async function runInEngine(
  engine: EngineProgram,
  machineCpus: number,
  { task, logs, signal, onStarted }: RunOptions,
  afterwards: (work: Promise<unknown>) => void,
): Promise<RunEnd> {
  // An aborted signal fires no event.
  if (signal.aborted) return { exitCode: KILLED_EXIT_CODE }
  const name = containerName(task)
  const child = spawn(engine.program, runArguments(engine, task, machineCpus), {
    cwd: task.root,
    env: { ...process.env, ...environmentOf(task) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  lowerPriority(child)
  const kill = (): void => void killContainer(engine, name, child)
  signal.addEventListener('abort', kill, { once: true })
  try {
    const { exitCode, errorTail } = await follow(child, logs, onStarted)
    if (exitCode === 0 || signal.aborted) return { exitCode }
    return await explainExit(engine, name, exitCode, errorTail)
  } finally {
    signal.removeEventListener('abort', kill)
    // A killed engine process may have left the container running; the removal ends it.
    if (signal.aborted) await removeContainers(engine, [name]).catch(() => undefined)
    else afterwards(callEngine(engine, 'rm', '--volumes', name).catch(() => undefined))
  }
}

/** Runs the container's command as a process of this machine, for images that are programs of this project. */
export async function runAsProcess(
  command: readonly string[],
  { task, logs, signal, onStarted }: RunOptions,
): Promise<RunEnd> {
  if (signal.aborted) return { exitCode: KILLED_EXIT_CODE }
  const [program = '', ...words] = processArguments(task, [...command, ...task.container.command])
  const child = spawn(program, words, {
    // The compile cache halves the start time of the project's programs.
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      ...environmentOf(task),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  lowerPriority(child)
  const kill = (): void => void child.kill('SIGKILL')
  signal.addEventListener('abort', kill, { once: true })
  try {
    const { exitCode } = await follow(child, logs, onStarted)
    return { exitCode }
  } finally {
    signal.removeEventListener('abort', kill)
  }
}

/** Sends the child's output to the log until the child has ended. */
async function follow(
  child: ChildProcess,
  logs: LogStream | undefined,
  onStarted: () => void,
): Promise<{ readonly exitCode: number; readonly errorTail: string }> {
  const ended = new Promise<number>((resolve, reject) => {
    child.once('spawn', onStarted)
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
  const [exitCode, errorTail] = await Promise.all([ended, passOutput(child, logs)])
  return { exitCode, errorTail }
}

/**
 * Sends the child's output to the log until both streams have ended.
 * @returns the end of its error output
 */
export async function passOutput(child: ChildProcess, logs: LogStream | undefined): Promise<string> {
  let errorTail = ''
  async function* keepTail(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      errorTail = (errorTail + chunk.toString()).slice(-ERROR_TAIL_CHARACTERS)
      yield chunk
    }
  }
  await Promise.all([
    child.stdout && drain(child.stdout, logs),
    child.stderr && drain(keepTail(child.stderr), logs),
  ])
  return errorTail
}

/** Sends output to the log, or reads it if there is none, until it has ended. */
export async function drain(source: AsyncIterable<Buffer>, logs: LogStream | undefined): Promise<void> {
  if (logs !== undefined) return logs.append(source)
  for await (const _ of source);
}

/** Explains an exit code other than 0 in the words of ECS. */
async function explainExit(
  engine: EngineProgram,
  name: string,
  exitCode: number,
  errorTail: string,
): Promise<RunEnd> {
  const state = await callEngine(engine, 'inspect', '--format={{.State.Status}} {{.State.OOMKilled}}', name)
    // The container was not created.
    .catch(() => '')
  const [status, oomKilled] = state.split(' ')
  if (status !== 'exited') return { reason: `${CANNOT_START}${lastLines(errorTail)}` }
  // Podman does not detect out-of-memory kills on control groups of version 1. No other process kills the container.
  const isOutOfMemory = oomKilled === 'true' || exitCode === KILLED_EXIT_CODE
  return isOutOfMemory
    ? { exitCode, reason: 'OutOfMemoryError: Container killed due to memory usage' }
    : { exitCode }
}

/**
 * Kills a container repeatedly until its output has ended. While the engine creates the container, `kill` fails, and the engine's process
 * is killed instead. The container may start nevertheless, and keep the output open.
 */
async function killContainer(engine: EngineProgram, name: string, child: ChildProcess): Promise<void> {
  const lastAt = performance.now() + KILL_TIMEOUT_MS
  while (!isOver(child)) {
    const isKilled = await callEngine(engine, 'kill', name).then(
      () => true,
      () => false,
    )
    const isLate = performance.now() > lastAt
    if (!isKilled || isLate) child.kill('SIGKILL')
    if (isLate) for (const stream of [child.stdout, child.stderr]) stream?.destroy()
    await pause(KILL_PAUSE_MS)
  }
}

/** Whether a process has ended, and nothing writes to its output any more. */
function isOver({ exitCode, signalCode, stdout, stderr }: ChildProcess): boolean {
  return (exitCode ?? signalCode) !== null && stdout?.closed !== false && stderr?.closed !== false
}
