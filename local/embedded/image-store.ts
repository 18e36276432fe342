import type { ImageCache } from '../batch/images.ts'
import { readArchive } from './archive-content.ts'
import type { RunConfig } from './image-config.ts'
import { findRemoteImage } from './registry.ts'
import {
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
  /** Its file system. */
  readonly folder: string
  readonly config: RunConfig
  /** Call it when the container has ended; the image is not removed before. */
  release(): void
}

/** Images as plain folders, each unpacked once. */
export interface ImageStore extends ImageCache {
  /** Returns the image. Unpacks it again if it was removed in the meantime. */
  acquire(reference: string): Promise<UnpackedImage>
  /** Removes images that are not completely unpacked. */
  removeUnfinished(): Promise<void>
}

/** A reason has at most 255 characters. */
const LONGEST_EXPLANATION = 255 - 'CannotPullContainerError: '.length

/**
 * Creates a store in a folder. When the unpacked content exceeds `limitBytes`, the least recently used images are removed, except
 * those in use.
 */
export function createImageStore(
  command: readonly string[],
  directory: string,
  limitBytes: number,
): ImageStore {
  const users = createUsers()
  /** Folders by reference, including searches in progress. */
  const searches = new Map<string, Promise<string>>()
  /** Folders of completed searches, by reference. */
  const found = new Map<string, string>()
  let removing = Promise.resolve()

  function find(reference: string): Promise<string> {
    const known = searches.get(reference)
    if (known !== undefined) return known
    const search = pull(command, directory, reference)
    searches.set(reference, search)
    search.then(
      (folder) => found.set(reference, folder),
      // The next job retries.
      () => searches.delete(reference),
    )
    return search
  }

  function forget(folder: string): void {
    for (const [reference, other] of found) if (other === folder) searches.delete(reference)
  }

  async function removeOldest(newest: string): Promise<void> {
    const images = await listUnpacked(directory)
    let sizeBytes = images.reduce((sum, image) => sum + image.sizeBytes, 0)
    for (const image of images) {
      if (sizeBytes <= limitBytes) return
      if (users.has(image.folder) || image.folder === newest) continue
      forget(image.folder)
      await removeUnpacked(command, image.folder)
      sizeBytes -= image.sizeBytes
    }
  }

  async function acquire(reference: string): Promise<UnpackedImage> {
    const folder = await find(reference)
    const release = users.add(folder)
    try {
      await markUsed(folder)
      return { folder: rootOf(folder), config: await readConfig(folder), release }
    } catch (error) {
      release()
      if (isUnpacked(folder)) throw error
      // Removed since it was found.
      forget(folder)
      return acquire(reference)
    }
  }

  return {
    acquire,
    async ensure(reference) {
      const folder = await find(reference)
      // Serialized, because two concurrent calls would remove the same images.
      removing = removing.catch(() => undefined).then(() => removeOldest(folder))
      await removing
    },
    async load(archive) {
      const { name, content } = await readArchive(archive)
      searches.set(name, Promise.resolve(await unpackImage(command, directory, content)))
    },
    // Images are stored by digest, so they stay valid without the registry. The size limit removes them.
    async removePulled() {},
    removeUnfinished: () => removeUnfinished(command, directory),
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
    const message = error instanceof Error ? error.message : String(error)
    throw new Error(`CannotPullContainerError: ${message.slice(-LONGEST_EXPLANATION)}`, { cause: error })
  }
}

/** Counts the users of each folder. */
function createUsers() {
  const counts = new Map<string, number>()
  return {
    has: (folder: string): boolean => counts.has(folder),
    /** @returns a function that decrements the count */
    add(folder: string): () => void {
      counts.set(folder, (counts.get(folder) ?? 0) + 1)
      return () => {
        const count = (counts.get(folder) ?? 1) - 1
        if (count > 0) counts.set(folder, count)
        else counts.delete(folder)
      }
    },
  }
}
