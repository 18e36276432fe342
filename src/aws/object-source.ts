import { Readable } from 'node:stream'
import type { ByteSource } from '../shared/byte-source.ts'
import { ObjectExchangedError, type ObjectStore } from './object-store.ts'

/** Opens an object that must exist. */
export async function openObject(objects: Pick<ObjectStore, 'read'>, key: string): Promise<Readable> {
  const body = await objects.read(key)
  if (body === undefined) throw new Error(`object ${key} no longer exists`)
  return body
}

/** Maximum number of consecutive lost connections without a byte between them. */
const MAX_BREAKS = 3

interface SourceObject {
  readonly key: string
  readonly sizeBytes: number
  /** Version to read; needed wherever the object may be replaced. */
  readonly etag?: string
}

/**
 * Random access to an object. Resumes after a lost connection.
 * @param explain creates the error for an object that no longer exists, or was replaced (`cause` is set)
 * @throws ObjectExchangedError from each read, unless `explain` creates another error
 */
export function objectSource(
  objects: Pick<ObjectStore, 'read'>,
  { key, sizeBytes, etag }: SourceObject,
  explain: (cause?: ObjectExchangedError) => Error = (cause) =>
    cause ?? new Error(`object ${key} no longer exists`),
): ByteSource {
  const open = async (start: number, length: number): Promise<Readable> => {
    const bytes = await objects.read(key, { start, length }, etag).catch((error: unknown) => {
      throw error instanceof ObjectExchangedError ? explain(error) : error
    })
    if (bytes === undefined) throw explain()
    return bytes
  }
  return {
    sizeBytes,
    read: async (start, length) =>
      Readable.from(unbroken(open, await open(start, length), start, length), { objectMode: false }),
  }
}

async function* unbroken(
  open: (start: number, length: number) => Promise<Readable>,
  first: Readable,
  start: number,
  length: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = first
  let read = 0
  let breaks = 0
  while (read < length) {
    try {
      for await (const chunk of bytes) {
        read += chunk.length
        breaks = 0
        yield chunk
      }
      return
    } catch (error) {
      breaks += 1
      if (breaks > MAX_BREAKS) throw error
    }
    bytes = await open(start + read, length - read)
  }
}
