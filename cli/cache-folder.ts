import { mkdirSync, mkdtempSync, type Stats, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { removeOnSignal, removeQuietly } from './temporary-folder.ts'

/** Bits of a mode with which the group or others may write. */
const OTHERS_WRITE = 0o022

let temporary: string | undefined

/**
 * Path of the user's cache. The XDG Base Directory Specification demands to ignore a relative XDG_CACHE_HOME.
 * @returns undefined if the home is a relative path, which would be another folder in each working directory
 */
export function cachePath(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): string | undefined {
  const { XDG_CACHE_HOME: base = '' } = env
  if (isAbsolute(base)) return join(base, 'cytomine-task')
  return isAbsolute(home) ? join(home, '.cache', 'cytomine-task') : undefined
}

/**
 * Creates a folder, if it does not exist, and checks that nobody else can write to it: the cache contains compiled code.
 * @param user effective user id; undefined on systems without
 * @returns false if the folder is not private, or cannot be created
 */
export function isPrivate(folder: string, user = process.geteuid?.()): boolean {
  try {
    const existing = nearest(folder)
    // Root would leave a folder in a user's home that the user cannot write to.
    if (user === 0 && existing.uid !== 0) return false
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { uid, mode } = statSync(folder)
    return user === undefined || (uid === user && (mode & OTHERS_WRITE) === 0)
  } catch {
    return false
  }
}

/** The folder, or its nearest parent that exists. */
function nearest(folder: string): Stats {
  return statSync(folder, { throwIfNoEntry: false }) ?? nearest(dirname(folder))
}

/** The user's cache; undefined if it is not private. May be deleted at any time. */
export function keptFolder(): string | undefined {
  const path = cachePath(process.env, homedir())
  return path !== undefined && isPrivate(path) ? path : undefined
}

/** The user's cache, or else a folder that is removed at the end of the process. For unpacked images and files of the engines. */
export function cacheFolder(): string {
  const kept = keptFolder()
  if (kept !== undefined) return kept
  if (temporary === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'cytomine-task-'))
    temporary = folder
    removeOnSignal(folder)
    process.once('exit', () => removeQuietly(folder))
  }
  return temporary
}
