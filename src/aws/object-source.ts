import { Readable } from 'node:stream'
import type { ByteSource } from '../shared/byte-source.ts'
import { ObjectExchangedError, type ObjectStore } from './object-store.ts'

/** The bytes of an object that must be there. */
export async function openObject(objects: Pick<ObjectStore, 'read'>, key: string): Promise<Readable> {
  const body = await objects.read(key)
  if (body === undefined) throw new Error(`object ${key} is gone`)
  return body
}

/** Connections that break one after the other without a byte between them. */
const MOST_BREAKS = 3

/** An object to read from. */
interface SourceObject {
  readonly key: string
  readonly sizeBytes: number
  /** The only version that is read; given wherever another object may take its place. */
  readonly etag?: string
}

/**
 * An object of the bucket that the formats can read from any place; a connection that breaks while gigabytes come through it is
 * taken up again where it was.
 * @param explain the error for an object that went away or was exchanged
 * @throws ObjectExchangedError from any read, unless explained
 */
export function objectSource(
  objects: Pick<ObjectStore, 'read'>,
  { key, sizeBytes, etag }: SourceObject,
  explain: (cause?: ObjectExchangedError) => Error = (cause) => cause ?? new Error(`object ${key} is gone`),
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
      if (breaks > MOST_BREAKS) throw error
    }
    bytes = await open(start + read, length - read)
  }
}
