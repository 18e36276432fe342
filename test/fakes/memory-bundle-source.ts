import { Readable } from 'node:stream'
import type { BundleSource } from '../../src/import/bundle-source.ts'
import { downloadFailure, storeGaveNothing } from '../../src/store/store.ts'

/** What tests may ask besides the port. */
export interface MemoryBundleSource extends BundleSource {
  /** Puts a bundle under a URL; a broken one ends with an error after these bytes. */
  offer(url: string, bundle: Uint8Array, options?: { readonly isBroken?: boolean }): void
  /** Every URL that was opened, in order. */
  readonly opened: readonly string[]
}

/** Bundles of stores in this process, for tests. */
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
  if (isBroken) throw downloadFailure('the download broke off')
}
