import { Readable } from 'node:stream'
import type { ObjectStore } from '../aws/object-store.ts'
import { downloadFailure } from '../store/store.ts'
import type { Upload } from '../upload/upload.ts'
import type { BundleSource } from './bundle-source.ts'
import { TimeIsUpError } from './lease.ts'

/** Ports of a download. */
export interface FetchBundleDependencies {
  readonly bundles: BundleSource
  readonly objects: Pick<ObjectStore, 'size' | 'write'>
}

/**
 * Downloads the bundle of an upload with a `source` into the bucket, unless an earlier worker did. Memory: about 64
 * MiB, whatever its size. An interrupted download leaves no object.
 * @returns whether there was a bundle to download
 * @throws DomainError APPSTORE_DOWNLOAD_FAILED
 */
export async function fetchBundle(
  { bundles, objects }: FetchBundleDependencies,
  { key, source }: Upload,
  signal: AbortSignal,
): Promise<boolean> {
  // An object becomes visible only when it is complete.
  if (source === undefined || (await objects.size(key)) !== undefined) return false
  const bundle = await bundles.open(new URL(source))
  await objects.write(
    key,
    Readable.from(untilAborted(bundle, signal), { objectMode: false }),
    'application/zip',
  )
  return true
}

async function* untilAborted(bundle: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of bundle) {
    if (signal.reason instanceof TimeIsUpError) {
      throw downloadFailure(
        'the bundle did not arrive in the time that an import may take: install it from a faster store, or upload it',
        signal.reason,
      )
    }
    signal.throwIfAborted()
    yield chunk
  }
}
