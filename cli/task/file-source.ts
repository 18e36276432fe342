import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { ByteSource } from '../../src/shared/byte-source.ts'

/**
 * A file with random access.
 * @throws Error with the code ENOENT when it does not exist
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const { size } = await stat(path)
  return {
    sizeBytes: size,
    read: async (start, length) => createReadStream(path, { start, end: start + length - 1 }),
  }
}
