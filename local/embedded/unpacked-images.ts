import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as z from 'zod'
import { type RunConfig, runConfigSchema } from './image-config.ts'
import { callLauncher, finished, startLauncher } from './launcher.ts'
import { layerContent } from './layer-content.ts'

type Bytes = AsyncIterable<Uint8Array>

/** An image that is being added to the store: layers from the bottom up, and the config's bytes. */
export interface ImageContent {
  /** Identifies the content, so that equal content is unpacked once; also the folder's name. */
  readonly key: string
  config(): Promise<Buffer>
  layers(): Iterable<Bytes>
}

/** File beside the file system of a complete image. Its modification time is that of the last use. */
const RECORD = 'image.json'
const ROOT = 'rootfs'
const UNFINISHED = 'unfinished-'
const recordSchema = z.object({ sizeBytes: z.number(), config: runConfigSchema })

/** The folder of an unpacked image's file system. */
export function rootOf(folder: string): string {
  return join(folder, ROOT)
}

/** Whether a complete image is in the folder. */
export function isUnpacked(folder: string): boolean {
  return existsSync(join(folder, RECORD))
}

/** Config for running the image. */
export async function readConfig(folder: string): Promise<RunConfig> {
  return recordSchema.parse(JSON.parse(await readFile(join(folder, RECORD), 'utf8'))).config
}

/** Records that the image was used. */
export async function markUsed(folder: string): Promise<void> {
  const now = new Date()
  await utimes(join(folder, RECORD), now, now)
}

/** Complete images of a store, least recently used first. */
export async function listUnpacked(directory: string) {
  const names = (await readdir(directory)).filter((name) => !name.startsWith(UNFINISHED))
  const images = await Promise.all(
    names.map(async (name) => {
      const record = join(directory, name, RECORD)
      const { sizeBytes } = recordSchema.parse(JSON.parse(await readFile(record, 'utf8')))
      return { folder: join(directory, name), sizeBytes, usedAt: (await stat(record)).mtimeMs }
    }),
  )
  return images.sort((one, other) => one.usedAt - other.usedAt)
}

/**
 * Unpacks an image unless it exists. An image is complete or absent, even if two processes unpack it or one is killed.
 * @returns its folder
 * @throws Error of its source, or with the launcher's message
 */
export async function unpackImage(
  command: readonly string[],
  directory: string,
  content: ImageContent,
): Promise<string> {
  const target = join(directory, content.key)
  if (isUnpacked(target)) return target
  await mkdir(directory, { recursive: true })
  const unfinished = await mkdtemp(join(directory, UNFINISHED))
  try {
    const config = runConfigSchema.parse(JSON.parse((await content.config()).toString()))
    await mkdir(rootOf(unfinished))
    let sizeBytes = 0
    for (const layer of content.layers()) {
      sizeBytes += await unpackLayer(command, layer, rootOf(unfinished))
    }
    await writeFile(join(unfinished, RECORD), JSON.stringify({ sizeBytes, config }))
    await rename(unfinished, target).catch((error: unknown) => {
      if (!isUnpacked(target)) throw error
    })
    return target
  } finally {
    if (existsSync(unfinished)) await callLauncher(command, 'remove', unfinished)
  }
}

/** @returns number of bytes of the tar */
async function unpackLayer(command: readonly string[], layer: Bytes, root: string): Promise<number> {
  const child = startLauncher(command, 'unpack', root)
  if (child.stdin === null) throw new Error('the launcher has no input')
  let sizeBytes = 0
  async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of layerContent(layer)) {
      sizeBytes += chunk.length
      yield chunk
    }
  }
  const sent = pipeline(Readable.from(counted(), { objectMode: false }), child.stdin)
  const [end, sending] = await Promise.allSettled([finished(child), sent])
  // A failing source closes the launcher's input early; a failing launcher breaks the pipe.
  const isPipe = sending.status === 'rejected' && (sending.reason as NodeJS.ErrnoException).code === 'EPIPE'
  if (sending.status === 'rejected' && !isPipe) throw sending.reason
  if (end.status === 'rejected') throw end.reason
  return sizeBytes
}

/** Removes an image. It is renamed first, so that no incomplete image is found. */
export async function removeUnpacked(command: readonly string[], folder: string): Promise<void> {
  const unfinished = await mkdtemp(join(folder, '..', UNFINISHED))
  await rename(folder, unfinished)
  await callLauncher(command, 'remove', unfinished)
}

/** Removes images that are not completely unpacked or not completely removed. */
export async function removeUnfinished(command: readonly string[], directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    if (name.startsWith(UNFINISHED)) await callLauncher(command, 'remove', join(directory, name))
  }
}
