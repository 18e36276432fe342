import { posix } from 'node:path'
import { layerContent } from '../../local/embedded/layer-content.ts'
import { readTar } from '../../src/archive/tar/read-tar.ts'
import { TarFormatError } from '../../src/archive/tar/tar-format-error.ts'
import type { OpenLayer } from './open-image.ts'

const LIMITS = { maxEntries: 2_000_000, maxNameLength: 4096 }

/**
 * The first bytes of a file in a layer; undefined when the file does not exist or the tar is invalid.
 * @param path absolute
 */
export async function readContent(
  layer: OpenLayer,
  path: string,
  length: number,
): Promise<Buffer | undefined> {
  const bytes = layerContent(await layer.source.read(0, layer.source.sizeBytes))
  try {
    for await (const entry of readTar(bytes, LIMITS)) {
      if (entry.type !== 'file' || posix.normalize(`/${entry.name}`) !== path) continue
      return await firstBytes(entry.body, length)
    }
  } catch (error) {
    if (!(error instanceof TarFormatError)) throw error
  }
  return undefined
}

async function firstBytes(body: AsyncIterable<Uint8Array>, length: number): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let held = 0
  for await (const piece of body) {
    pieces.push(Buffer.from(piece))
    held += piece.length
    if (held >= length) break
  }
  return Buffer.concat(pieces).subarray(0, length)
}
