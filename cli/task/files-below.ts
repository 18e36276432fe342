import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** An entry of a folder or of a folder below it. */
export interface EntryBelow {
  readonly path: string
  readonly entry: Dirent
}

/** Everything below a folder but folders. Links are not followed. Node 20.0 has no `recursive` for `readdir`. */
export async function* filesBelow(folder: string): AsyncGenerator<EntryBelow, void, undefined> {
  const folders = [folder]
  for (const next of folders) {
    for (const entry of await readdir(next, { withFileTypes: true })) {
      const path = join(next, entry.name)
      if (entry.isDirectory()) folders.push(path)
      else yield { path, entry }
    }
  }
}
