import { createWriteStream } from 'node:fs'
import { lstat, mkdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CommandError } from '../terminal/command-error.ts'

/**
 * Writes a file below a folder, replacing a file or link. Links below the folder are not followed: a task of an earlier run may
 * have left one that leads elsewhere.
 * @param name relative, without `..`
 * @param signal ends the writing, which leaves a part of the file
 * @returns path of the file
 * @throws CommandError when a parent is a link or a file, or the path itself is a folder
 */
export async function writeBelow(
  folder: string,
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<string> {
  await mkdir(folder, { recursive: true })
  await makeFolders(folder, dirname(name))
  const target = join(folder, dirname(name), basename(name))
  const info = await lstat(target).catch(() => undefined)
  if (info?.isDirectory() === true) throw inTheWay(target, 'a folder')
  await rm(target, { force: true })
  await pipeline(
    Readable.from(bytes),
    createWriteStream(target, { flags: 'wx' }),
    signal === undefined ? {} : { signal },
  )
  return target
}

async function makeFolders(folder: string, path: string): Promise<void> {
  let place = folder
  for (const part of path.split('/').filter((one) => one !== '' && one !== '.')) {
    place = join(place, part)
    const info = await lstat(place).catch(() => undefined)
    if (info === undefined) await mkdir(place)
    else if (!info.isDirectory()) throw inTheWay(place, info.isSymbolicLink() ? 'a link' : 'not a folder')
  }
}

function inTheWay(path: string, kind: string): CommandError {
  return new CommandError(`${path} is ${kind}; remove it, or choose another folder with -o`)
}
