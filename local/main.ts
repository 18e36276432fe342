/*
 * Starts the whole service on this machine and leaves it running until Ctrl-C:
 *
 *   npm start
 *   PORT=9090 npm start
 */
import { join } from 'node:path'
import * as z from 'zod'
import { createProgress } from '../cli/progress.ts'
import { readSettings } from './settings.ts'
import { type LocalStack, startLocalStack } from './stack.ts'
import { UserError } from './user-error.ts'

const DEFAULT_PORT = 8080

const progress = createProgress(process.stdout)
let isStopping = false

try {
  const settings = readSettings({ PORT: z.coerce.number().int().min(1).max(65_535).default(DEFAULT_PORT) })
  const port = settings.PORT
  const starting = startLocalStack({
    // Who holds the port holds the instance.
    instance: `port-${port}`,
    port,
    logDirectory: join(import.meta.dirname, '../.local/log'),
    progress,
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopOnce(starting))
  const { baseUrl, apiUrl } = await starting
  progress.say(`\nThe App Engine runs at ${baseUrl}`)
  progress.say(`The API behind the edge: ${apiUrl}`)
  const prefix = port === DEFAULT_PORT ? '' : `PORT=${port} `
  progress.say(`"${prefix}npm run example" runs the example task; Ctrl-C stops everything.`)
} catch (error) {
  if (!isStopping) fail(error)
}

/** Ends the process when everything is gone; a second Ctrl-C does not interrupt that. */
function stopOnce(starting: Promise<LocalStack>): void {
  if (isStopping) return
  isStopping = true
  progress.say('')
  progress
    .step('stopped', async () => {
      const stack = await starting.catch(() => undefined)
      await stack?.stop()
    })
    .then(() => process.exit(0), fail)
}

function fail(error: unknown): never {
  const isForUser = error instanceof UserError || !(error instanceof Error)
  console.error(isForUser ? String(error instanceof Error ? error.message : error) : error.stack)
  process.exit(1)
}
