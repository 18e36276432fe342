import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as z from 'zod'
import { findImage } from '../../src/formats/oci/find-image.ts'
import { scanImageArchive } from '../../src/formats/oci/image-archive.ts'
import { readTar } from '../../src/formats/tar/read-tar.ts'
import type { ImageCache } from '../batch/images.ts'
import { type RunConfig, runConfigSchema } from './image-config.ts'
import { callLauncher, finished, startLauncher } from './launcher.ts'
import { layerContent } from './layer-content.ts'
import { findRemoteImage } from './registry.ts'

/** An image that lies unpacked on this machine. */
export interface UnpackedImage {
  /** Its file system. */
  readonly folder: string
  readonly config: RunConfig
  /** To be called when its container has ended: until then it is not removed. */
  release(): void
}

/** Images as plain folders, each unpacked once. */
export interface ImageStore extends ImageCache {
  /** The image, unpacked anew where it was removed meanwhile. */
  acquire(reference: string): Promise<UnpackedImage>
  /** Removes what was left half unpacked. */
  removeUnfinished(): Promise<void>
}

/** What is written beside an image's file system when it is complete; its time is when it was last used. */
const RECORD = 'image.json'
const ROOT = 'rootfs'
const UNFINISHED = 'unfinished-'
const recordSchema = z.object({ sizeBytes: z.number(), config: runConfigSchema })

/** A reason has at most 255 characters. */
const LONGEST_EXPLANATION = 255 - 'CannotPullContainerError: '.length

/** Layers from the bottom up, and the config's bytes. */
interface ImageContent {
  readonly key: string
  config(): Promise<Buffer>
  layers(): Iterable<AsyncIterable<Uint8Array>>
}

/**
 * A store in a folder. When it has grown beyond `limitBytes` (unpacked content), the images that were not used for longest are
 * removed, but never one that is in use.
 */
export function createImageStore(
  command: readonly string[],
  directory: string,
  limitBytes: number,
): ImageStore {
  /** Folders by reference; searches under way included. */
  const present = new Map<string, Promise<string>>()
  /** Those that were found, present or not. */
  const unpacked = new Map<string, string>()
  const users = new Map<string, number>()

  async function pull(reference: string): Promise<string> {
    try {
      const remote = await findRemoteImage(reference)
      return await unpackOnce({
        key: remote.digest.replace(':', '-'),
        config: remote.config,
        layers: () => remote.layers.map((digest) => remote.blob(digest)),
      })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      throw new Error(`CannotPullContainerError: ${message.slice(-LONGEST_EXPLANATION)}`, { cause: error })
    }
  }

  async function unpackOnce(content: ImageContent): Promise<string> {
    const target = join(directory, content.key)
    if (existsSync(join(target, RECORD))) return target
    await mkdir(directory, { recursive: true })
    const unfinished = await mkdtemp(join(directory, UNFINISHED))
    try {
      const config = runConfigSchema.parse(JSON.parse((await content.config()).toString()))
      await mkdir(join(unfinished, ROOT))
      let sizeBytes = 0
      for (const layer of content.layers()) sizeBytes += await unpackLayer(layer, join(unfinished, ROOT))
      await writeFile(join(unfinished, RECORD), JSON.stringify({ sizeBytes, config }))
      await rename(unfinished, target).catch((error: unknown) => {
        // Another process of this instance was faster.
        if (!existsSync(join(target, RECORD))) throw error
      })
      await removeOldest(target)
      return target
    } finally {
      if (existsSync(unfinished)) await callLauncher(command, 'remove', unfinished)
    }
  }

  /** @returns bytes of the tar */
  async function unpackLayer(layer: AsyncIterable<Uint8Array>, root: string): Promise<number> {
    const child = startLauncher(command, 'unpack', root)
    if (child.stdin === null) throw new Error('the launcher has no input')
    let sizeBytes = 0
    async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const chunk of layerContent(layer)) {
        sizeBytes += chunk.length
        yield chunk
      }
    }
    const ended = finished(child)
    const sent = pipeline(Readable.from(counted(), { objectMode: false }), child.stdin)
    const [end, sending] = await Promise.allSettled([ended, sent])
    // When the launcher ends early, its reason is worth more than the broken pipe.
    if (end.status === 'rejected') throw end.reason
    if (sending.status === 'rejected') throw sending.reason
    return sizeBytes
  }

  function find(reference: string): Promise<string> {
    const known = present.get(reference)
    if (known !== undefined) return known
    const search = pull(reference)
    present.set(reference, search)
    search.then(
      (folder) => unpacked.set(reference, folder),
      // The next job tries again.
      () => present.delete(reference),
    )
    return search
  }

  async function use(folder: string): Promise<void> {
    users.set(folder, (users.get(folder) ?? 0) + 1)
    const now = new Date()
    await utimes(join(folder, RECORD), now, now)
  }

  function release(folder: string): void {
    const count = (users.get(folder) ?? 1) - 1
    if (count > 0) users.set(folder, count)
    else users.delete(folder)
  }

  async function removeOldest(newest: string): Promise<void> {
    const images = await listImages(directory)
    let sizeBytes = images.reduce((sum, image) => sum + image.sizeBytes, 0)
    for (const image of images.sort((one, other) => one.usedAt - other.usedAt)) {
      if (sizeBytes <= limitBytes) return
      if (users.has(image.folder) || image.folder === newest) continue
      for (const [reference, folder] of unpacked) {
        if (folder === image.folder) present.delete(reference)
      }
      await removeImage(image.folder)
      sizeBytes -= image.sizeBytes
    }
  }

  async function removeImage(folder: string): Promise<void> {
    // Out of sight first: half an image must not be found.
    const unfinished = await mkdtemp(join(directory, UNFINISHED))
    await rename(folder, unfinished)
    await callLauncher(command, 'remove', unfinished)
  }

  return {
    async ensure(reference) {
      await find(reference)
    },
    async acquire(reference) {
      const folder = await find(reference)
      await use(folder).catch(() => present.delete(reference))
      // Removed between two lines above, or by hand.
      if (!existsSync(join(folder, RECORD))) {
        release(folder)
        present.delete(reference)
        return this.acquire(reference)
      }
      const { config } = recordSchema.parse(JSON.parse(await readFile(join(folder, RECORD), 'utf8')))
      return { folder: join(folder, ROOT), config, release: () => release(folder) }
    },
    async load(archive) {
      const { name, content } = await readArchive(archive)
      present.set(name, Promise.resolve(await unpackOnce(content)))
    },
    // Content by digest stays true, whatever the registry forgets: the store's limit is what removes images.
    async removePulled() {},
    async removeUnfinished() {
      for (const name of await readdir(directory).catch(() => [])) {
        if (name.startsWith(UNFINISHED)) await callLauncher(command, 'remove', join(directory, name))
      }
    },
  }
}

async function listImages(directory: string) {
  const names = (await readdir(directory)).filter((name) => !name.startsWith(UNFINISHED))
  return await Promise.all(
    names.map(async (name) => {
      const record = join(directory, name, RECORD)
      const { sizeBytes } = recordSchema.parse(JSON.parse(await readFile(record, 'utf8')))
      return { folder: join(directory, name), sizeBytes, usedAt: (await stat(record)).mtimeMs }
    }),
  )
}

/** The image of a docker-archive and the name that it has there. */
async function readArchive(path: string): Promise<{ readonly name: string; readonly content: ImageContent }> {
  const offsets = new Map<string, number>()
  const archive = await scanImageArchive(readTar(createReadStream(path)), async (file, _, __, offset) => {
    offsets.set(file.name, offset)
  })
  const { config, layers } = findImage(archive)
  const tagged = z.array(z.object({ RepoTags: z.array(z.string()) })).min(1)
  const name = archive.read('manifest.json', tagged)?.value[0]?.RepoTags[0]
  if (name === undefined) throw new Error(`${path} is no docker-archive with a tag`)
  const layer = async function* (
    file: (typeof layers)[number]['file'],
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const handle = await open(path)
    const start = offsets.get(file.name) ?? 0
    yield* handle.createReadStream({ start, end: start + file.sizeBytes - 1 })
  }
  const key = `sha256-${createHash('sha256').update(config).digest('hex')}`
  return {
    name,
    content: { key, config: async () => config, layers: () => layers.map(({ file }) => layer(file)) },
  }
}
