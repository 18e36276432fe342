import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { isParameterName } from '../src/contract/names.ts'
import { cutText } from '../src/contract/quoted.ts'
import type { OutputEntry, StagedListing } from '../src/contract/staging.ts'
import { ContentError, problemText } from './limits.ts'
import { readable } from './pack-folder.ts'
import { readFolder } from './read-folder.ts'
import type { Follow, Target } from './symbolic-links.ts'

/** Maximum number of entries, more than the outputs that any task declares. */
const MAX_ENTRIES = 10_000

/**
 * Lists the output folder. If it exceeds the limits or cannot be read, the listing has the problem instead of entries.
 */
export function listFolder(root: string, follow: Follow): StagedListing {
  try {
    return listOutputs(root, follow)
  } catch (error) {
    if (error instanceof ContentError) return { entries: [], problem: problemText(error) }
    throw error
  }
}

/** Maximum number of other names in the listing; they show what was written in place of an output. */
const MAX_OTHERS = 20
const MAX_OTHER_LENGTH = 100

/**
 * Top level of the folder: entries whose names can be outputs; other files are the task's own (parameter-io 1.1). Links are resolved; a
 * link that leaves the folder counts as missing.
 * @param folder without links
 * @returns the entries, and some of the other names
 * @throws ContentError when there are too many, or the folder cannot be read
 */
export function listOutputs(
  folder: string,
  follow: Follow,
): Required<Pick<StagedListing, 'entries' | 'others'>> {
  const names: string[] = []
  const others: string[] = []
  for (const entry of readable('the output folder', () => readFolder(folder))) {
    const name = entry.name.toString()
    if (!isParameterName(name)) {
      if (others.length < MAX_OTHERS) others.push(cutText(name, MAX_OTHER_LENGTH))
      continue
    }
    names.push(name)
    if (names.length > MAX_ENTRIES) {
      throw new ContentError(
        `the output folder has more than ${MAX_ENTRIES} entries that could be outputs; write files that belong together into one folder`,
      )
    }
  }
  const entries = names.sort().map((name) => describeEntry(name, follow(join(folder, name))))
  return { entries, others: others.sort() }
}

function describeEntry(name: string, target: Target | undefined): OutputEntry {
  const nothing = (problem: string): OutputEntry => ({ name, kind: 'other', sizeBytes: 0, problem })
  if (target === undefined)
    return nothing('it is a link that leaves the output folder, or its target does not exist')
  const { info, path } = target
  if (info.isDirectory()) return { name, kind: 'directory', sizeBytes: 0 }
  if (!info.isFile()) return nothing(`it is a ${specialKind(info)}, not a file`)
  const file: OutputEntry = { name, kind: 'file', sizeBytes: info.size }
  try {
    readable(name, () => accessSync(path, constants.R_OK))
    return file
  } catch (error) {
    if (error instanceof ContentError) return { ...file, problem: problemText(error) }
    throw error
  }
}

function specialKind(info: Target['info']): string {
  if (info.isFIFO()) return 'named pipe'
  return info.isSocket() ? 'socket' : 'device'
}
