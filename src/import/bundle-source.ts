import type { Readable } from 'node:stream'

/** Bundles that app stores offer. */
export interface BundleSource {
  /**
   * The bundle as it arrives. A stream that breaks off fails with the same error as a bundle that is not there.
   * @throws DomainError APPSTORE_DOWNLOAD_FAILED
   */
  open(url: URL): Promise<Readable>
}
