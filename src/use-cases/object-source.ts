import type { ByteSource } from '../formats/zip/byte-source.ts'
import type { ObjectStore } from '../ports.ts'

/** An object of the bucket that the formats can read from any place. `missing` is what is thrown when it went away. */
export function objectSource(
  objects: ObjectStore,
  key: string,
  sizeBytes: number,
  missing: () => Error = () => new Error(`object ${key} is gone`),
): ByteSource {
  return {
    sizeBytes,
    async read(start, length) {
      const bytes = await objects.read(key, { start, length })
      if (bytes === undefined) throw missing()
      return bytes
    },
  }
}
