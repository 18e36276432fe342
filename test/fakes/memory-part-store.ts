import type { ObjectStore } from '../../src/aws/object-store.ts'
import type { PartStore, StoredPart } from '../../src/aws/part-store.ts'

/** Part store with functions for tests. */
export interface MemoryPartStore extends PartStore {
  /** Handles a PUT to a presigned URL, like S3. @returns the status of the response */
  receive(url: string, bytes: Uint8Array): number
  /** Ids of the multipart uploads that are neither completed nor aborted. */
  open(): string[]
}

interface OpenParts {
  readonly key: string
  readonly contentType: string | undefined
  readonly bytes: Map<number, Buffer>
}

/** In-memory part store for tests. Joined objects are written to `objects`. */
export function createMemoryPartStore(objects: Pick<ObjectStore, 'put'>): MemoryPartStore {
  const uploads = new Map<string, OpenParts>()
  let count = 0
  const find = (key: string, multipartId: string): OpenParts | undefined => {
    const upload = uploads.get(multipartId)
    return upload?.key === key ? upload : undefined
  }

  return {
    async start(key, contentType) {
      count += 1
      const multipartId = `multipart-${count}`
      uploads.set(multipartId, { key, contentType, bytes: new Map() })
      return multipartId
    },

    async presignPart(key, multipartId, partNumber, seconds) {
      const query = { partNumber: String(partNumber), uploadId: multipartId, expires: String(seconds) }
      return `https://objects.invalid/${key}?${new URLSearchParams(query)}`
    },

    async list(key, multipartId) {
      const upload = find(key, multipartId)
      if (upload === undefined) return undefined
      return [...upload.bytes]
        .map(
          ([partNumber, { length }]): StoredPart => ({ partNumber, sizeBytes: length, etag: `"${length}"` }),
        )
        .sort((a, b) => a.partNumber - b.partNumber)
    },

    async complete(key, multipartId, parts) {
      const upload = find(key, multipartId)
      if (upload === undefined) return false
      const bytes = parts.map(({ partNumber }) => upload.bytes.get(partNumber) ?? Buffer.alloc(0))
      await objects.put(key, Buffer.concat(bytes), upload.contentType)
      uploads.delete(multipartId)
      return true
    },

    async abort(key, multipartId) {
      if (find(key, multipartId) !== undefined) uploads.delete(multipartId)
    },

    receive(url, bytes) {
      const { pathname, searchParams } = new URL(url)
      const upload = find(pathname.slice(1), searchParams.get('uploadId') ?? '')
      upload?.bytes.set(Number(searchParams.get('partNumber')), Buffer.from(bytes))
      return upload === undefined ? 404 : 200
    },

    open: () => [...uploads.keys()],
  }
}
