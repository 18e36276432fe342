import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { join } from 'node:path'

/** Most links on the way to a file, as in Linux. */
const MAX_LINKS = 40

/** What a path leads to once all links on it are followed. */
export interface Target {
  /** Free of links. */
  readonly path: string
  readonly info: Stats
}

/**
 * Follows a path below the output folder; undefined when it leaves the folder, points at nothing or goes in a circle. No link is
 * ever followed by the system, so none leads into the stager's own files.
 */
export type Follow = (path: string) => Target | undefined

/**
 * Follows links as the task's container would: an absolute link there begins with the folder that the task knows its outputs by,
 * which lies elsewhere for the stager.
 * @param folder where the outputs lie here, free of links
 * @param taskFolder where they lay in the task's container, absolute
 */
export function createFollow(folder: string, taskFolder: string): Follow {
  const root = namesOf(taskFolder)
  return (path) => {
    try {
      return walk(folder, root, namesOf(path.slice(folder.length)))
    } catch {
      // A name that no file system takes, or a folder that is closed.
      return undefined
    }
  }
}

function walk(folder: string, root: readonly string[], names: readonly string[]): Target | undefined {
  const here = (at: readonly string[]): string => join(folder, ...at.slice(root.length))
  let at = root
  let info = lstatSync(folder)
  let links = 0
  // The next name stands last.
  const rest = names.toReversed()
  for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
    if (!info.isDirectory()) return undefined
    at = name === '..' ? at.slice(0, -1) : [...at, name]
    if (!isWithin(at, root)) {
      // On the way to the folder from above it: these are folders, whatever else is in them.
      if (!isWithin(root, at)) return undefined
      continue
    }
    info = lstatSync(here(at))
    if (!info.isSymbolicLink()) continue
    links += 1
    if (links > MAX_LINKS) return undefined
    const link = readlinkSync(here(at))
    at = link.startsWith('/') ? [] : at.slice(0, -1)
    info = lstatSync(folder)
    rest.push(...namesOf(link).toReversed())
  }
  // The folder itself is none of its outputs.
  return isWithin(at, root) && at.length > root.length ? { path: here(at), info } : undefined
}

function namesOf(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

function isWithin(names: readonly string[], folder: readonly string[]): boolean {
  return names.length >= folder.length && folder.every((name, i) => name === names[i])
}
