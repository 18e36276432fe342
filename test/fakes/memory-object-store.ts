import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { CopyStoppedError, ObjectExchangedError, type ObjectStore } from '../../src/aws/object-store.ts'
import { digestOf } from '../../src/shared/content-digest.ts'

/** Object store with functions for tests. */
export interface MemoryObjectStore extends ObjectStore {
  /** All keys, sorted. */
  keys(): string[]
  /** The object as UTF-8 text. */
  text(key: string): string | undefined
  contentType(key: string): string | undefined
}

interface StoredObject {
  readonly bytes: Buffer
  readonly contentType: string | undefined
}

/** In-memory object store for tests. Its presigned URLs have the correct form, but no server answers them. */
export function createMemoryObjectStore(): MemoryObjectStore {
  const objects = new Map<string, StoredObject>()
  const keysBelow = (prefix: string): string[] =>
    [...objects.keys()].filter((key) => key.startsWith(prefix)).sort()
  /** @throws ObjectExchangedError */
  const findVersion = (key: string, etag: string | undefined): StoredObject | undefined => {
    const found = objects.get(key)
    if (found !== undefined && etag !== undefined && etagOf(found) !== etag)
      throw new ObjectExchangedError(key)
    return found
  }
  const presign = (key: string, query: Record<string, string>): string =>
    `https://objects.invalid/${key.split('/').map(encodeURIComponent).join('/')}?${new URLSearchParams(query)}`

  return {
    async put(key, body, contentType) {
      objects.set(key, { bytes: Buffer.from(body), contentType })
    },

    async write(key, body, contentType) {
      const bytes = await buffer(body)
      objects.set(key, { bytes, contentType })
      return bytes.length
    },

    async read(key, range, etag) {
      const bytes = findVersion(key, etag)?.bytes
      if (bytes === undefined) return undefined
      const part = range === undefined ? bytes : bytes.subarray(range.start, range.start + range.length)
      return Readable.from(part.length === 0 ? [] : [part])
    },

    async size(key) {
      return objects.get(key)?.bytes.length
    },

    async find(key) {
      const found = objects.get(key)
      return found && { sizeBytes: found.bytes.length, etag: etagOf(found) }
    },

    async copy(from, to, etag, isTimeUp = () => false) {
      const found = findVersion(from, etag)
      if (isTimeUp()) throw new CopyStoppedError(from)
      if (found !== undefined) objects.set(to, found)
      return found && { sizeBytes: found.bytes.length, digest: digestOf(found.bytes) }
    },

    async *list(prefix) {
      for (const key of keysBelow(prefix)) {
        yield { key, sizeBytes: objects.get(key)?.bytes.length ?? 0 }
      }
    },

    async remove(key) {
      objects.delete(key)
    },

    async removeAll(prefix) {
      for (const key of keysBelow(prefix)) objects.delete(key)
    },

    async presignRead(key, seconds, headers, method = 'GET') {
      return presign(key, { method, expires: String(seconds), ...headers })
    },

    async presignWrite(key, seconds) {
      return presign(key, { method: 'PUT', expires: String(seconds) })
    },

    keys: () => keysBelow(''),
    text: (key) => objects.get(key)?.bytes.toString('utf8'),
    contentType: (key) => objects.get(key)?.contentType,
  }
}

function etagOf({ bytes }: StoredObject): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}
