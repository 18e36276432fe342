import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MINISTACK_VERSION } from './emulator.ts'
import { UserError } from './user-error.ts'

/** Version of the layout below and of the emulator, which can only read its own state. */
const FORMAT = `1, MiniStack ${MINISTACK_VERSION}`

/** Folders of one instance. */
export interface InstanceState {
  readonly emulator: string
  readonly storage: string
  readonly batch: string
  readonly portsFile: string
}

/**
 * Opens the persistent state of an instance: tasks, runs, files, image layers.
 * @param isFresh removes it first
 * @throws UserError when another version of the project wrote it
 */
export function openInstanceState(directory: string, isFresh: boolean): InstanceState {
  const state = join(directory, 'state')
  if (isFresh) rmSync(state, { recursive: true, force: true })
  const formatFile = join(state, 'format')
  if (existsSync(state)) {
    const format = existsSync(formatFile) ? readFileSync(formatFile, 'utf8') : 'unknown'
    if (format !== FORMAT) {
      throw new UserError(
        `${state} was written by another version (${format}, this one needs ${FORMAT}): delete it with "npm start -- --fresh".`,
      )
    }
  } else {
    mkdirSync(state, { recursive: true, mode: 0o700 })
    writeFileSync(formatFile, FORMAT)
  }
  const folder = (name: string): string => {
    const path = join(state, name)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return path
  }
  return {
    emulator: folder('emulator'),
    storage: folder('storage'),
    batch: folder('batch'),
    portsFile: join(state, 'ports.json'),
  }
}

/**
 * Total size of the files below a folder; 0 when it does not exist. Unreadable folders, such as those of containers, are skipped.
 */
export async function folderSizeBytes(folder: string): Promise<number> {
  let sizeBytes = 0
  const folders = [folder]
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of await readdir(next, { withFileTypes: true }).catch(() => [])) {
      const path = join(next, entry.name)
      if (entry.isDirectory()) folders.push(path)
      // Files may disappear while the stack runs.
      else if (entry.isFile()) sizeBytes += (await lstat(path).catch(() => ({ size: 0 }))).size
    }
  }
  return sizeBytes
}
