import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Child, type ChildOptions, endOfLog, startChild } from './child.ts'
import { LOOPBACK } from './ports.ts'
import { installPackages } from './python-packages.ts'
import { UserError } from './user-error.ts'

/** Pinned: the gaps of this version are known (docs/architecture.md), and other versions cannot read its saved state. */
export const MINISTACK_VERSION = '1.5.33'

/** Packages of the emulator with their hashes. */
const REQUIREMENTS = join(import.meta.dirname, 'emulator-requirements.txt')

const POLL_INTERVAL_MS = 50
const START_TIMEOUT_MS = 60_000
/** LocalStack imports its services during its first response, which takes seconds. A closed port is refused at once. */
const ANSWER_TIMEOUT_MS = 30_000

/**
 * Installs the emulator into a virtual environment, once.
 * @returns the Python of that environment
 * @throws UserError when the installation fails
 */
export function installEmulator(python: string, directory: string, signal?: AbortSignal): Promise<string> {
  return installPackages({
    python,
    directory,
    name: emulatorFolder(),
    requirements: REQUIREMENTS,
    title: 'The AWS emulator',
    signal,
  })
}

/** Name of the virtual environment: the emulator's version and a digest of its requirements. */
export function emulatorFolder(): string {
  const digest = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 8)
  return `ministack-${MINISTACK_VERSION}-${digest}`
}

/** Starts the emulator with its last saved state, and waits until it answers. */
export async function startEmulator(options: {
  readonly python: string
  readonly port: number
  readonly environment: NodeJS.ProcessEnv
  readonly directory: string
  /** Folder of its state. */
  readonly stateDirectory: string
  readonly logFile: string
  /** Aborts the start. */
  readonly signal?: AbortSignal | undefined
}): Promise<Child> {
  const { python, port, environment, directory, stateDirectory, logFile, signal } = options
  return startAnswering(
    {
      command: [python, join(import.meta.dirname, 'emulator_process.py')],
      environment: {
        ...environment,
        GATEWAY_PORT: String(port),
        BIND_HOST: LOOPBACK,
        MINISTACK_HOST: LOOPBACK,
        LOG_LEVEL: 'WARNING',
        // No compiled Python modules in the working tree.
        PYTHONDONTWRITEBYTECODE: '1',
        PERSIST_STATE: '1',
        STATE_DIR: stateDirectory,
      },
      ...{ directory, logFile, signal },
    },
    { url: `http://${LOOPBACK}:${port}`, timeoutMs: START_TIMEOUT_MS },
  )
}

/**
 * Starts a program and waits until it answers at an address.
 * @throws Error with the end of its log when it ends before, or does not answer in time
 */
export async function startAnswering(
  options: Omit<ChildOptions, 'isOurs'>,
  { url, timeoutMs }: { readonly url: string; readonly timeoutMs: number },
): Promise<Child> {
  const { command, logFile, signal } = options
  const child = startChild({ ...options, isOurs: false })
  let hasEnded = false
  void child.ended.then(() => {
    hasEnded = true
  })
  const giveUpAt = Date.now() + timeoutMs
  while (!(await answers(url, signal))) {
    if (signal?.aborted) await child.stop(0)
    signal?.throwIfAborted()
    if (hasEnded || Date.now() > giveUpAt) {
      await child.stop()
      throw new Error(`${command.join(' ')} did not start: ${endOfLog(logFile)}`)
    }
    await delay(POLL_INTERVAL_MS)
  }
  return child
}

/** Whether an HTTP server answers at a URL, with any status. False when the signal is aborted. */
export async function answers(url: string, signal?: AbortSignal): Promise<boolean> {
  const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
  return fetch(url, { signal: signal ? AbortSignal.any([timeout, signal]) : timeout }).then(
    async (answer) => {
      await answer.body?.cancel()
      return true
    },
    () => false,
  )
}

/**
 * Checks that a user's own emulator answers.
 * @returns the address without a trailing slash
 * @throws UserError
 */
export async function checkEmulator(url: string, signal: AbortSignal): Promise<string> {
  if (await answers(url, signal)) return url.replace(/\/+$/u, '')
  signal.throwIfAborted()
  throw new UserError(
    `Nothing answers at AWS_ENDPOINT_URL (${url}): start that emulator, or unset the variable to have one started.`,
  )
}
