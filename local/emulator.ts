import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Child, endOfLog, startChild } from './child.ts'
import { lastLines } from './container-engine.ts'
import { LOOPBACK } from './ports.ts'
import { UserError } from './user-error.ts'

/** Pinned: the emulator's gaps were found out for this version (docs/architecture.md). */
const MINISTACK_VERSION = '1.5.33'
const OLDEST_PYTHON = '3.10'

const POLL_INTERVAL_MS = 50
const START_TIMEOUT_MS = 60_000

const execute = promisify(execFile)

/**
 * Finds a Python that can make virtual environments.
 * @throws UserError when there is none.
 */
export async function findPython(): Promise<string> {
  const [major, minor] = OLDEST_PYTHON.split('.')
  // Debian ships venv without ensurepip, which is what fills an environment.
  const check = `import sys, venv, ensurepip; sys.exit(sys.version_info < (${major}, ${minor}))`
  for (const program of ['python3', 'python']) {
    const works = await execute(program, ['-c', check]).then(
      () => true,
      () => false,
    )
    if (works) return program
  }
  throw new UserError(
    `The AWS emulator needs Python ${OLDEST_PYTHON} or newer with venv (on Debian and Ubuntu: apt install python3-venv), or set AWS_ENDPOINT_URL to an emulator that runs already.`,
  )
}

/**
 * Installs the emulator into a virtual environment, unless it is there.
 * @returns the Python of that environment.
 * @throws UserError when the installation fails.
 */
export async function installEmulator(python: string, directory: string): Promise<string> {
  const environment = join(directory, `ministack-${MINISTACK_VERSION}`)
  const installed = join(environment, 'bin', 'python')
  if (existsSync(installed)) return installed
  await mkdir(directory, { recursive: true })
  // Complete or absent: two starts at a time, or one that is interrupted, leave no half environment behind.
  const unfinished = await mkdtemp(join(directory, 'unfinished-'))
  try {
    await execute(python, ['-m', 'venv', unfinished])
    await execute(join(unfinished, 'bin', 'python'), [
      ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'],
      `ministack==${MINISTACK_VERSION}`,
    ])
    await rename(unfinished, environment).catch((error: unknown) => {
      if (!existsSync(installed)) throw error
    })
  } catch (error) {
    const { stderr = '' } = error as { readonly stderr?: string }
    throw new UserError(`The AWS emulator could not be installed: ${lastLines(stderr) || String(error)}`)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return installed
}

/** Starts the emulator and waits until it answers. */
export async function startEmulator(options: {
  readonly python: string
  readonly port: number
  readonly environment: NodeJS.ProcessEnv
  readonly directory: string
  readonly logFile: string
}): Promise<Child> {
  const { python, port, environment, directory, logFile } = options
  const child = startChild({
    command: [python, '-m', 'ministack'],
    environment: {
      ...environment,
      GATEWAY_PORT: String(port),
      BIND_HOST: LOOPBACK,
      MINISTACK_HOST: LOOPBACK,
      LOG_LEVEL: 'WARNING',
    },
    directory,
    logFile,
    isOurs: false,
  })
  let hasEnded = false
  void child.ended.then(() => {
    hasEnded = true
  })
  const giveUpAt = Date.now() + START_TIMEOUT_MS
  while (!(await answers(`http://${LOOPBACK}:${port}`))) {
    if (hasEnded || Date.now() > giveUpAt) {
      await child.stop()
      throw new Error(`the AWS emulator did not start: ${endOfLog(logFile)}`)
    }
    await delay(POLL_INTERVAL_MS)
  }
  return child
}

/** Whether anything speaks HTTP there, whatever it says. */
export async function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(5000) }).then(
    async (answer) => {
      await answer.body?.cancel()
      return true
    },
    () => false,
  )
}
