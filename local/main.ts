/*
 * Starts the whole service on this machine and runs it until Ctrl-C:
 *
 *   npm start
 *   npm start -- --fresh      deletes the state of earlier starts
 *   PORT=9090 npm start
 */
import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { createProgress } from '../src/shared/progress.ts'
import { PROJECT } from './aws-environment.ts'
import { folderSizeBytes } from './instance-state.ts'
import { DEFAULT_PORT, readPort, startInForeground, stateDirectoryOf } from './port-stack.ts'
import { exitWithError, UserError } from './user-error.ts'

const MEGABYTE = 1_000_000

const progress = createProgress(process.stdout)

try {
  const isFresh = readArguments()
  const port = readPort()
  const foreground = startInForeground({ port, isFresh, progress }, exitWithError)
  const stack = await foreground.starting
  const state = stateDirectoryOf(port)
  const megabytes = ((await folderSizeBytes(state)) / MEGABYTE).toFixed(0)
  const prefix = port === DEFAULT_PORT ? '' : `PORT=${port} `
  progress.say(`\nThe App Engine runs at ${stack.baseUrl}`)
  if (process.env.CONSOLE !== 'off') progress.say(`Open ${stack.baseUrl}ui/ in a browser.`)
  progress.say(`The API behind the edge: ${stack.apiUrl}`)
  progress.say(
    `Tasks, runs and files are kept in ${relative(PROJECT, state)} (${megabytes} MB); "${prefix}npm run reset" removes them.`,
  )
  progress.say(`"${prefix}npm run example" runs the example task; Ctrl-C stops everything.`)
  console.error(`${await stack.failed} Its log is in .local/log. Stopping everything else.`)
  await foreground.stop(1)
} catch (error) {
  exitWithError(error)
}

/**
 * @returns whether to delete earlier state (`--fresh`)
 * @throws UserError
 */
function readArguments(): boolean {
  try {
    return parseArgs({ options: { fresh: { type: 'boolean', default: false } } }).values.fresh
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    throw new UserError(`${words} The only option is --fresh: npm start -- --fresh`)
  }
}
