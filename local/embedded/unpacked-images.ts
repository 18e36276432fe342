import { randomUUID } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
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
/** Start of the names of files beside an image's file system that protect it from removal; a process id follows. */
const CLAIM = 'claim-'
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

/**
 * Protects an image from removal, by any process.
 * @returns a function that ends the protection; so does the end of this process
 * @throws Error when the image is not there
 */
export async function claim(folder: string): Promise<() => void> {
  const file = join(folder, `${CLAIM}${process.pid}-${randomUUID()}`)
  await writeFile(file, '')
  return () => rmSync(file, { force: true })
}

/** Whether a process that still runs has claimed the image. */
async function isClaimed(folder: string): Promise<boolean> {
  const claims = (await readdir(folder)).filter((name) => name.startsWith(CLAIM))
  return claims.some((name) => isRunning(Number.parseInt(name.slice(CLAIM.length), 10)))
}

/** Complete images of a store, least recently used first. */
export async function listUnpacked(directory: string) {
  const names = (await readdir(directory)).filter((name) => !name.startsWith(UNFINISHED))
  const images = await Promise.all(
    names.map(async (name) => {
      const record = join(directory, name, RECORD)
      try {
        const { sizeBytes } = recordSchema.parse(JSON.parse(await readFile(record, 'utf8')))
        return [{ folder: join(directory, name), sizeBytes, usedAt: (await stat(record)).mtimeMs }]
      } catch (error) {
        // Another process has removed it since.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
        throw error
      }
    }),
  )
  return images.flat().sort((one, other) => one.usedAt - other.usedAt)
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

/** Removes an image unless it is claimed. It is renamed first, so that no incomplete image is found. @returns whether it was removed */
export async function removeUnpacked(command: readonly string[], folder: string): Promise<boolean> {
  if (await isClaimed(folder)) return false
  const unfinished = await mkdtemp(join(folder, '..', UNFINISHED))
  await rename(folder, unfinished)
  // A process that claims an image checks afterwards that it is still there.
  if (await isClaimed(unfinished)) {
    await rename(unfinished, folder)
    return false
  }
  await callLauncher(command, 'remove', unfinished)
  return true
}

/** Removes images that are not completely unpacked or not completely removed. */
export async function removeUnfinished(command: readonly string[], directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    if (name.startsWith(UNFINISHED)) await callLauncher(command, 'remove', join(directory, name))
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // A process of another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
