/*
 * Deletes the local state of a port's stack: tasks, runs, files, image layers.
 *
 *   npm run reset
 *   PORT=9090 npm run reset
 */
import { rm } from 'node:fs/promises'
import { relative } from 'node:path'
import { PROJECT } from './aws-environment.ts'
import { folderSizeBytes } from './instance-state.ts'
import { readPort, stateDirectoryOf } from './port-stack.ts'
import { isPortTaken } from './ports.ts'
import { exitWithError, UserError } from './user-error.ts'

const MEGABYTE = 1_000_000

try {
  const port = readPort()
  const state = stateDirectoryOf(port)
  if (await isPortTaken(port)) {
    throw new UserError(`A program listens on port ${port}: stop the stack there first (Ctrl-C), then reset.`)
  }
  const megabytes = ((await folderSizeBytes(state)) / MEGABYTE).toFixed(0)
  await rm(state, { recursive: true, force: true })
  console.log(`Removed ${relative(PROJECT, state)} (${megabytes} MB).`)
} catch (error) {
  exitWithError(error)
}
