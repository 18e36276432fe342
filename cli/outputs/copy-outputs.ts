import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Follow } from '../../stager/links.ts'
import { writeBelow } from './write-below.ts'

/** A folder that a container wrote. */
interface WrittenFolder {
  /** Path without links. */
  readonly folder: string
  /** Resolves links like the container, within the folder only. */
  readonly follow: Follow
}

/**
 * Copies the content of files. Containers are untrusted: links, modes, owners, pipes and devices are not copied. A link to a file
 * in the folder is copied as that file. A link to a folder is followed at the top level only, so that no cycle is possible.
 * @returns names at the top of the folder of which something was copied
 */
export async function copyOutputs(written: WrittenFolder, target: string): Promise<readonly string[]> {
  const copied: string[] = []
  for (const name of (await readdir(written.folder)).sort()) {
    let isCopied = false
    for await (const file of filesOf(written, name)) {
      await writeBelow(target, file.name, createReadStream(file.path))
      isCopied = true
    }
    if (isCopied) copied.push(name)
  }
  return copied
}

interface WrittenFile {
  /** Path relative to the folder. */
  readonly name: string
  readonly path: string
}

async function* filesOf({ folder, follow }: WrittenFolder, name: string): AsyncGenerator<WrittenFile> {
  const top = follow(join(folder, name))
  if (top?.info.isFile() === true) yield { name, path: top.path }
  if (top?.info.isDirectory() !== true) return
  for (const entry of await readdir(top.path, { withFileTypes: true, recursive: true })) {
    const place = join(entry.parentPath, entry.name)
    const found = entry.isFile() || entry.isSymbolicLink() ? follow(place) : undefined
    if (found?.info.isFile() === true) yield { name: name + place.slice(top.path.length), path: found.path }
  }
}
