import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ObjectStore } from '../../src/aws/object-store.ts'

/** Object store of one run, with files of this machine. */
export interface FileObjects extends ObjectStore {
  /** Makes an existing file an object, without copying it. */
  adopt(key: string, path: string): void
  /** Path of an object. */
  pathOf(key: string): string | undefined
}

/** @param folder existing folder without other writers */
export function createFileObjects(folder: string): FileObjects {
  const paths = new Map<string, string>()
  const forget = async (key: string): Promise<void> => {
    const path = paths.get(key)
    paths.delete(key)
    if (path?.startsWith(folder) === true) await rm(path, { force: true })
  }
  return {
    adopt: (key, path) => void paths.set(key, path),
    pathOf: (key) => paths.get(key),
    ...createWrites(folder, paths, forget),
    ...createReads(paths),
    async copy(from, to) {
      const path = paths.get(from)
      if (path !== undefined) paths.set(to, path)
      const sizeBytes = await sizeOf(path)
      return sizeBytes === undefined ? undefined : { sizeBytes }
    },
    remove: forget,
    async removeAll(prefix) {
      for (const key of [...paths.keys()]) if (key.startsWith(prefix)) await forget(key)
    },
    presignRead: async (key) => `file://${paths.get(key)}`,
    presignWrite: async (key) => `file://${paths.get(key)}`,
  }
}

function createWrites(
  folder: string,
  paths: Map<string, string>,
  forget: (key: string) => Promise<void>,
): Pick<ObjectStore, 'put' | 'write'> {
  let count = 0
  /** File names are numbers, because keys may be longer than file names. */
  async function place(key: string): Promise<string> {
    await mkdir(folder, { recursive: true })
    count += 1
    const path = join(folder, String(count))
    paths.set(key, path)
    return path
  }
  return {
    async put(key, body) {
      await writeFile(await place(key), body)
    },
    async write(key, body) {
      const path = await place(key)
      try {
        await pipeline(body, createWriteStream(path))
      } catch (error) {
        await forget(key)
        throw error
      }
      return (await stat(path)).size
    },
  }
}

function createReads(
  paths: ReadonlyMap<string, string>,
): Pick<ObjectStore, 'read' | 'size' | 'find' | 'list'> {
  return {
    async read(key, range) {
      const path = paths.get(key)
      if (path === undefined) return undefined
      if (range?.length === 0) return Readable.from([])
      const part = range === undefined ? {} : { start: range.start, end: range.start + range.length - 1 }
      return createReadStream(path, part)
    },
    size: (key) => sizeOf(paths.get(key)),
    async find(key) {
      const sizeBytes = await sizeOf(paths.get(key))
      return sizeBytes === undefined ? undefined : { sizeBytes, etag: `"${paths.get(key)}"` }
    },
    async *list(prefix) {
      for (const key of [...paths.keys()].sort()) {
        if (key.startsWith(prefix)) yield { key, sizeBytes: (await sizeOf(paths.get(key))) ?? 0 }
      }
    },
  }
}

async function sizeOf(path: string | undefined): Promise<number | undefined> {
  return path === undefined ? undefined : (await stat(path)).size
}
