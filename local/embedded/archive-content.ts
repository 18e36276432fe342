import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import * as z from 'zod'
import { readTar } from '../../src/archive/tar/read-tar.ts'
import { findImage } from '../../src/import/image/find-image.ts'
import { scanImageArchive } from '../../src/import/image/image-archive.ts'
import type { ImageContent } from './unpacked-images.ts'

const taggedSchema = z.array(z.object({ RepoTags: z.array(z.string()) })).min(1)

/**
 * The image of a docker-archive with its name in the archive.
 * @throws OciFormatError
 */
export async function readArchive(
  path: string,
): Promise<{ readonly name: string; readonly content: ImageContent }> {
  const offsets = new Map<string, number>()
  const archive = await scanImageArchive(readTar(createReadStream(path)), async (file, _, __, offset) => {
    offsets.set(file.name, offset)
  })
  const { config, layers } = findImage(archive)
  const name = archive.read('manifest.json', taggedSchema)?.value[0]?.RepoTags[0]
  if (name === undefined) throw new Error(`${path} is not a docker-archive with a tag`)
  const content = {
    key: `sha256-${createHash('sha256').update(config).digest('hex')}`,
    config: async () => config,
    layers: () =>
      layers.map(({ file }) => {
        const start = offsets.get(file.name) ?? 0
        return createReadStream(path, { start, end: start + file.sizeBytes - 1 })
      }),
  }
  return { name, content }
}
