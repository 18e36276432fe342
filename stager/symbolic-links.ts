import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { join } from 'node:path'

/** Maximum number of links followed for one path, as in Linux. */
const MAX_LINKS = 40

/** The file that a path resolves to. */
export interface Target {
  /** Without links. */
  readonly path: string
  readonly info: Stats
}

/**
 * Resolves a path below the output folder; undefined when it leaves the folder, does not exist or is circular. Links
 * are followed here and not by the system, so that none can reach the stager's own files.
 */
export type Follow = (path: string) => Target | undefined

/**
 * Resolves links as the task's container does: absolute links start with the output folder's path in that container.
 * @param folder output folder in this container, without links
 * @param taskFolder output folder in the task's container, absolute
 */
export function createFollow(folder: string, taskFolder: string): Follow {
  const root = namesOf(taskFolder)
  return (path) => {
    try {
      return walk(folder, root, namesOf(path.slice(folder.length)))
    } catch {
      // A name that is too long, or a folder without permission.
      return undefined
    }
  }
}

function walk(folder: string, root: readonly string[], names: readonly string[]): Target | undefined {
  const here = (at: readonly string[]): string => join(folder, ...at.slice(root.length))
  let at = root
  let info = lstatSync(folder)
  let links = 0
  // The next name is the last element.
  const rest = names.toReversed()
  for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
    if (!info.isDirectory()) return undefined
    at = name === '..' ? at.slice(0, -1) : [...at, name]
    if (!isWithin(at, root)) {
      // Parents of the folder are directories.
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
  // The folder itself is not an output.
  return isWithin(at, root) && at.length > root.length ? { path: here(at), info } : undefined
}

function namesOf(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

function isWithin(names: readonly string[], folder: readonly string[]): boolean {
  return names.length >= folder.length && folder.every((name, i) => name === names[i])
}
