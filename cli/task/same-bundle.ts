import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { documentedTag, findImageEntry, openBundle, readLogo } from '../../src/import/open-bundle.ts'
import { openImage } from '../image/open-image.ts'
import { checkDescriptor } from '../validate/check-descriptor.ts'
import { fileSource } from './file-source.ts'

/** A file that becomes an entry of a bundle. */
export interface BundleFile {
  /** Name of the entry. */
  readonly name: string
  readonly path: string
  readonly sizeBytes: number
}

/**
 * Whether two bundles are the same task: descriptor, logo, and the config of the image, which names the digests of all layers. podman
 * and buildah write other times into each archive of the same image.
 */
export async function isSameTask(one: string, other: string): Promise<boolean> {
  const identity = await identityOf(one)
  return identity !== undefined && identity === (await identityOf(other))
}

/** @returns undefined when there is no such bundle, or it cannot be read */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { zip, descriptor: bytes } = await openBundle({ source: await fileSource(path), etag: '' })
    const { descriptor } = checkDescriptor(bytes)
    if (descriptor === undefined) return undefined
    const entry = findImageEntry(zip, descriptor)
    const stored = await zip.stored(entry)
    if (stored === undefined) return undefined
    const { config, layers } = await openImage(stored.source, documentedTag(descriptor))
    const logo = (await readLogo(zip)) ?? Buffer.alloc(0)
    const parts = [bytes, logo, config].map((part) => createHash('sha256').update(part).digest('hex'))
    return JSON.stringify([entry.name, parts, layers.map(({ source }) => source.sizeBytes)])
  } catch {
    return undefined
  }
}

/** Whether a bundle consists of these files, byte by byte; false when it cannot be read. */
export async function hasSameFiles(bundle: string, files: readonly BundleFile[]): Promise<boolean> {
  try {
    const { zip } = await openBundle({ source: await fileSource(bundle), etag: '' })
    const isAlike =
      zip.entries.length === files.length &&
      zip.entries.every(
        ({ name, sizeBytes }, index) => name === files[index]?.name && sizeBytes === files[index].sizeBytes,
      )
    if (!isAlike) return false
    for (const [index, entry] of zip.entries.entries()) {
      const path = files[index]?.path ?? ''
      if ((await digestOf(zip.read(entry))) !== (await digestOf(createReadStream(path)))) return false
    }
    return true
  } catch {
    return false
  }
}

async function digestOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of bytes) hash.update(chunk)
  return hash.digest('hex')
}
