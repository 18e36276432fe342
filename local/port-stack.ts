import { join } from 'node:path'
import { integerFrom } from '../src/shared/environment-numbers.ts'
import type { Progress } from '../src/shared/progress.ts'
import { PROJECT } from './aws-environment.ts'
import { readSettings } from './settings.ts'
import { type LocalStack, startLocalStack } from './stack.ts'

/** Default of PORT. */
export const DEFAULT_PORT = 8080
/** Logs of all parts of the stack that `npm start` or `npm run example` started last. */
export const LOG_DIRECTORY = join(PROJECT, '.local/log')

/**
 * @returns the port of the edge
 * @throws UserError when PORT is not a port
 */
export function readPort(): number {
  return readSettings({ PORT: integerFrom(1, 65_535).default(DEFAULT_PORT) }).PORT
}

/** Name of a port's stack. Only one process can listen on a port, so only one uses the stack's state. */
export function instanceOf(port: number): string {
  return `port-${port}`
}

/** Folder of the state of a port's stack. */
export function stateDirectoryOf(port: number): string {
  return join(PROJECT, '.local', instanceOf(port), 'state')
}

/** A stack in the foreground. Ctrl-C stops it, also while it starts. */
export interface ForegroundStack {
  readonly starting: Promise<LocalStack>
  /** Stops everything and exits; a second call or Ctrl-C has no effect. */
  stop(exitCode: number): Promise<never>
}

/** Starts the stack of a port. `onFailure` is called when it cannot be stopped. */
export function startInForeground(
  {
    port,
    isFresh,
    progress,
  }: { readonly port: number; readonly isFresh: boolean; readonly progress: Progress },
  onFailure: (error: unknown) => never,
): ForegroundStack {
  const ending = new AbortController()
  const starting = startLocalStack({
    instance: instanceOf(port),
    port,
    isFresh,
    logDirectory: LOG_DIRECTORY,
    progress,
    signal: ending.signal,
  })
  let stopping: Promise<never> | undefined
  const stopOnce = async (exitCode: number): Promise<never> => {
    progress.say('')
    ending.abort()
    try {
      await progress.step('stopped', async () => {
        const stack = await starting.catch(() => undefined)
        await stack?.stop()
      })
    } catch (error) {
      onFailure(error)
    }
    process.exit(exitCode)
  }
  const stop = (exitCode: number): Promise<never> => {
    stopping ??= stopOnce(exitCode)
    return stopping
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0))
  // The caller reports a failure. After an interruption no caller waits for the rejection.
  starting.catch(() => undefined)
  return {
    starting: starting.catch((error: unknown) => {
      if (stopping === undefined) throw error
      return stopping
    }),
    stop,
  }
}
