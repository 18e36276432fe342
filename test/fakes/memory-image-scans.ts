import type { ImageScan, ImageScans } from '../../src/import/registry/image-scans.ts'

/** Image scans for tests. */
export interface MemoryImageScans extends ImageScans {
  /** Sets the scan of an image. */
  set(digest: string, scan: ImageScan): void
}

/** In-memory scans for tests. An image is not scanned until a test sets its scan. */
export function createMemoryImageScans(): MemoryImageScans {
  const scans = new Map<string, ImageScan>()
  return {
    set: (digest, scan) => void scans.set(digest, scan),
    find: async ({ digest }) =>
      structuredClone(scans.get(digest)) ?? {
        state: 'not-scanned',
        message: 'no scan of the image is known: the registry does not scan on push',
      },
  }
}
