import type { Readable } from 'node:stream'

/** Downloads bundles from app stores. */
export interface BundleSource {
  /**
   * Streams a bundle. An interrupted download fails with the same error as a missing bundle.
   * @throws DomainError APPSTORE_DOWNLOAD_FAILED
   */
  open(url: URL): Promise<Readable>
}
