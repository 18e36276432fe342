import { cannotPull, type ImageCache } from '../batch/images.ts'
import { readArchive } from './archive-content.ts'
import type { RunConfig } from './image-config.ts'
import { findRemoteImage } from './registry.ts'
import {
  claim,
  isUnpacked,
  listUnpacked,
  markUsed,
  readConfig,
  removeUnfinished,
  removeUnpacked,
  rootOf,
  unpackImage,
} from './unpacked-images.ts'

/** An unpacked image on this machine. */
export interface UnpackedImage {
  /** Folder with the image's file system. */
  readonly folder: string
  readonly config: RunConfig
  /** Must be called when the container has ended: until then the image is not removed. */
  release(): void
}

/** Images as plain folders, each unpacked once. */
export interface ImageStore extends ImageCache {
  /** Returns the image. Unpacks it again if it was removed in the meantime. */
  acquire(reference: string): Promise<UnpackedImage>
  /** Removes images that are not completely unpacked. */
  removeUnfinished(): Promise<void>
}

/**
 * Creates a store in a folder. When the unpacked content exceeds `limitBytes`, the least recently used images are removed, except
 * those that this or another process with the same folder uses.
 */
export function createImageStore(
  command: readonly string[],
  directory: string,
  limitBytes: number,
): ImageStore {
  const folders = createFolders((reference) => pull(command, directory, reference))
  let removing = Promise.resolve()

  async function removeOldest(newest: string): Promise<void> {
    const images = await listUnpacked(directory)
    let sizeBytes = images.reduce((sum, image) => sum + image.sizeBytes, 0)
    for (const image of images) {
      if (sizeBytes <= limitBytes) return
      if (image.folder === newest) continue
      if (!(await removeUnpacked(command, image.folder))) continue
      folders.forget(image.folder)
      sizeBytes -= image.sizeBytes
    }
  }

  async function acquire(reference: string): Promise<UnpackedImage> {
    const folder = await folders.find(reference)
    let release: (() => void) | undefined
    try {
      release = await claim(folder)
      await markUsed(folder)
      return { folder: rootOf(folder), config: await readConfig(folder), release }
    } catch (error) {
      release?.()
      if (isUnpacked(folder)) throw error
      // The image was removed after it was found.
      folders.forget(folder)
      return acquire(reference)
    }
  }

  async function makeRoom(newest: string): Promise<void> {
    // Serialized, because two concurrent calls would remove the same images.
    removing = removing.catch(() => undefined).then(() => removeOldest(newest))
    await removing
  }

  return {
    acquire,
    async ensure(reference) {
      await makeRoom(await folders.find(reference))
    },
    async load(archive) {
      const { name, content } = await readArchive(archive)
      const folder = await unpackImage(command, directory, content)
      folders.add(name, folder)
      await markUsed(folder)
      await makeRoom(folder)
    },
    // Images are stored by digest, so they stay valid without the registry. The size limit removes them.
    async removePulled() {},
    removeUnfinished: () => removeUnfinished(command, directory),
  }
}

/** Folders of images by reference. Concurrent searches for one reference share one pull. */
function createFolders(pullImage: (reference: string) => Promise<string>) {
  /** Includes searches in progress. */
  const searches = new Map<string, Promise<string>>()
  const found = new Map<string, string>()

  return {
    find(reference: string): Promise<string> {
      const known = searches.get(reference)
      if (known !== undefined) return known
      const search = pullImage(reference)
      searches.set(reference, search)
      search.then(
        (folder) => found.set(reference, folder),
        // The next job retries.
        () => searches.delete(reference),
      )
      return search
    },

    add(reference: string, folder: string): void {
      searches.set(reference, Promise.resolve(folder))
      found.set(reference, folder)
    },

    forget(folder: string): void {
      for (const [reference, other] of found) if (other === folder) searches.delete(reference)
    },
  }
}

/** @throws Error as {@link ImageCache.ensure} */
async function pull(command: readonly string[], directory: string, reference: string): Promise<string> {
  try {
    const remote = await findRemoteImage(reference)
    return await unpackImage(command, directory, {
      key: remote.digest.replace(':', '-'),
      config: remote.config,
      layers: () => remote.layers.map((digest) => remote.blob(digest)),
    })
  } catch (error) {
    throw cannotPull(error)
  }
}
