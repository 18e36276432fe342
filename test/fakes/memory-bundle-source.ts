import { Readable } from 'node:stream'
import type { BundleSource } from '../../src/import/bundle-source.ts'
import { downloadFailure, storeGaveNothing } from '../../src/store/store.ts'

/** Bundle source with functions for tests. */
export interface MemoryBundleSource extends BundleSource {
  /** Stores a bundle under a URL. The download of a broken one fails after all its bytes. */
  offer(url: string, bundle: Uint8Array, options?: { readonly isBroken?: boolean }): void
  /** URLs in the order in which they were opened. */
  readonly opened: readonly string[]
}

/** In-memory bundle source for tests. */
export function createMemoryBundleSource(): MemoryBundleSource {
  const bundles = new Map<string, { readonly bundle: Uint8Array; readonly isBroken: boolean }>()
  const opened: string[] = []
  return {
    opened,

    offer(url, bundle, { isBroken = false } = {}) {
      bundles.set(url, { bundle, isBroken })
    },

    async open(url) {
      opened.push(url.href)
      const offered = bundles.get(url.href)
      if (offered === undefined) throw storeGaveNothing()
      return Readable.from(bytesOf(offered), { objectMode: false })
    },
  }
}

async function* bytesOf({ bundle, isBroken }: { readonly bundle: Uint8Array; readonly isBroken: boolean }) {
  yield bundle
  if (isBroken) throw downloadFailure('the download was interrupted')
}
