/*
 * Starts the whole service on this machine and leaves it running until Ctrl-C:
 *
 *   npm start
 *   npm start -- --fresh      without what earlier starts kept
 *   PORT=9090 npm start
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import * as z from 'zod'
import { createProgress } from '../cli/progress.ts'
import { PROJECT } from './aws-environment.ts'
import { folderSizeBytes } from './instance-state.ts'
import { readSettings } from './settings.ts'
import { type LocalStack, startLocalStack } from './stack.ts'
import { UserError } from './user-error.ts'

const DEFAULT_PORT = 8080
const MEGABYTE = 1_000_000

const progress = createProgress(process.stdout)
let isStopping = false

try {
  const isFresh = readArguments()
  const settings = readSettings({ PORT: z.coerce.number().int().min(1).max(65_535).default(DEFAULT_PORT) })
  const port = settings.PORT
  // Who holds the port holds the instance.
  const instance = `port-${port}`
  const starting = startLocalStack({
    instance,
    port,
    isFresh,
    logDirectory: join(PROJECT, '.local/log'),
    progress,
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stopOnce(starting, 0))
  }
  const stack = await starting
  const kept = await folderSizeBytes(join(PROJECT, '.local', instance, 'state'))
  progress.say(`\nThe App Engine runs at ${stack.baseUrl}`)
  progress.say(`The API behind the edge: ${stack.apiUrl}`)
  progress.say(
    `Tasks, runs and files are kept in .local/${instance}/state (${(kept / MEGABYTE).toFixed(0)} MB); "npm run reset" removes them.`,
  )
  const prefix = port === DEFAULT_PORT ? '' : `PORT=${port} `
  progress.say(`"${prefix}npm run example" runs the example task; Ctrl-C stops everything.`)
  console.error(`${await stack.failed} Its log is in .local/log; everything else is stopped now.`)
  stopOnce(starting, 1)
} catch (error) {
  if (!isStopping) fail(error)
}

/** @returns whether earlier state is given up. @throws UserError */
function readArguments(): boolean {
  try {
    const { values } = parseArgs({ options: { fresh: { type: 'boolean', default: false } } })
    return values.fresh
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    throw new UserError(`${words} The only option is --fresh: npm start -- --fresh`)
  }
}

/** Ends the process when everything is gone; a second Ctrl-C does not interrupt that. */
function stopOnce(starting: Promise<LocalStack>, exitCode: number): void {
  if (isStopping) return
  isStopping = true
  progress.say('')
  progress
    .step('stopped', async () => {
      const stack = await starting.catch(() => undefined)
      await stack?.stop()
    })
    .then(() => process.exit(exitCode), fail)
}

function fail(error: unknown): never {
  const isForUser = error instanceof UserError || !(error instanceof Error)
  console.error(isForUser ? String(error instanceof Error ? error.message : error) : error.stack)
  process.exit(1)
}
