import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Follow } from '../../stager/symbolic-links.ts'
import { filesBelow } from '../task/files-below.ts'
import { writeBelow } from './write-below.ts'

/** A folder that a container wrote. */
interface WrittenFolder {
  /** Real path, without symbolic links. */
  readonly folder: string
  /** Resolves links as in the container; undefined outside the folder. */
  readonly follow: Follow
  /** Names to copy, those of the declared outputs; undefined: all. */
  readonly outputs: readonly string[] | undefined
  /** Ends the copying. */
  readonly signal?: AbortSignal
}

/** Top-level names in a folder that a container wrote. */
export interface CopiedOutputs {
  /** Names from which at least one file was copied. */
  readonly copied: readonly string[]
  /** Names that were not to be copied. */
  readonly undeclared: readonly string[]
}

/**
 * Copies files that a container wrote. With other names than those of declared outputs, a task could replace files of the target folder.
 * Containers are untrusted: links, modes, owners, pipes and devices are not copied. A link to a file
 * in the folder is copied as that file. A link to a folder is followed at the top level only, so that no cycle is possible.
 */
export async function copyOutputs(written: WrittenFolder, target: string): Promise<CopiedOutputs> {
  const copied: string[] = []
  const names = (await readdir(written.folder)).sort()
  const { outputs = names } = written
  for (const name of names.filter((one) => outputs.includes(one))) {
    let isCopied = false
    for await (const file of filesOf(written, name)) {
      await writeBelow(target, file.name, createReadStream(file.path), written.signal)
      isCopied = true
    }
    if (isCopied) copied.push(name)
  }
  return { copied, undeclared: names.filter((one) => !outputs.includes(one)) }
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
  for await (const { path: place, entry } of filesBelow(top.path)) {
    const found = entry.isFile() || entry.isSymbolicLink() ? follow(place) : undefined
    if (found?.info.isFile() === true) {
      yield { name: join(name, relative(top.path, place)), path: found.path }
    }
  }
}
