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
  let count = 0
  /** File names are numbers, because keys may be longer than file names. */
  async function place(key: string): Promise<string> {
    await mkdir(folder, { recursive: true })
    count += 1
    const path = join(folder, String(count))
    paths.set(key, path)
    return path
  }
  const sizeOf = async (key: string): Promise<number | undefined> => {
    const path = paths.get(key)
    return path === undefined ? undefined : (await stat(path)).size
  }
  const forget = async (key: string): Promise<void> => {
    const path = paths.get(key)
    paths.delete(key)
    if (path?.startsWith(folder) === true) await rm(path, { force: true })
  }
  const store = {
    adopt: (key: string, path: string) => void paths.set(key, path),
    pathOf: (key: string) => paths.get(key),
    async put(key: string, body: Uint8Array | string) {
      await writeFile(await place(key), body)
    },
    async write(key: string, body: Readable) {
      const path = await place(key)
      try {
        await pipeline(body, createWriteStream(path))
      } catch (error) {
        await forget(key)
        throw error
      }
      return (await stat(path)).size
    },
    async read(key: string, range?: { readonly start: number; readonly length: number }) {
      const path = paths.get(key)
      if (path === undefined) return undefined
      if (range?.length === 0) return Readable.from([])
      const part = range === undefined ? {} : { start: range.start, end: range.start + range.length - 1 }
      return createReadStream(path, part)
    },
    size: sizeOf,
    async find(key: string) {
      const sizeBytes = await sizeOf(key)
      return sizeBytes === undefined ? undefined : { sizeBytes, etag: `"${paths.get(key)}"` }
    },
    async copy(from: string, to: string) {
      const path = paths.get(from)
      if (path !== undefined) paths.set(to, path)
      const sizeBytes = await sizeOf(from)
      return sizeBytes === undefined ? undefined : { sizeBytes }
    },
    async *list(prefix: string) {
      for (const key of [...paths.keys()].sort()) {
        if (key.startsWith(prefix)) yield { key, sizeBytes: (await sizeOf(key)) ?? 0 }
      }
    },
    remove: forget,
    async removeAll(prefix: string) {
      for (const key of [...paths.keys()]) if (key.startsWith(prefix)) await forget(key)
    },
    presignRead: async (key: string) => `file://${paths.get(key)}`,
    presignWrite: async (key: string) => `file://${paths.get(key)}`,
  }
  return store
}
