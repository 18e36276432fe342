import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'
import type { OpenImage } from '../image/open-image.ts'
import { withTemporaryFolder } from '../temporary-folder.ts'

/** An image that any engine can load. */
export interface LoadableImage {
  /** Name derived from the image's content. */
  readonly tag: string
  /** Calls `use` with a docker-archive, which is removed afterwards. */
  withArchive(use: (archive: string) => Promise<void>): Promise<void>
}

/** Converts an image to the form that every engine loads. */
export function loadableImage(image: OpenImage): LoadableImage {
  const id = createHash('sha256').update(image.config).digest('hex')
  const tag = `localhost/cytomine-task/${id.slice(0, 32)}:latest`
  return {
    tag,
    async withArchive(use) {
      await withTemporaryFolder(async (folder) => {
        const file = join(folder, 'image.tar')
        await writeArchive(image, { id, tag }, file)
        await use(file)
      })
    },
  }
}

/** Layers keep their compression, which engines recognise by their first bytes. */
async function writeArchive(
  { config, layers }: OpenImage,
  { id, tag }: { readonly id: string; readonly tag: string },
  file: string,
): Promise<void> {
  const names = layers.map(({ diffId }) => `${diffId.replace('sha256:', '')}.tar`)
  const manifest = [{ Config: `${id}.json`, RepoTags: [tag], Layers: names }]
  const tar = pack()
  const write = async (): Promise<void> => {
    tar.entry({ name: `${id}.json` }, config)
    for (const [index, { source }] of layers.entries()) {
      const name = names[index] ?? ''
      if (names.indexOf(name) < index) continue
      const bytes = source.sizeBytes === 0 ? Readable.from([]) : await source.read(0, source.sizeBytes)
      await pipeline(bytes, tar.entry({ name, size: source.sizeBytes }))
    }
    tar.entry({ name: 'manifest.json' }, JSON.stringify(manifest))
    tar.finalize()
  }
  await Promise.all([write(), pipeline(tar, createWriteStream(file))])
}
