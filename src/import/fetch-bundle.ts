import { Readable } from 'node:stream'
import type { ObjectStore } from '../aws/object-store.ts'
import { downloadFailure } from '../store/store.ts'
import type { Upload } from '../upload/upload.ts'
import type { BundleSource } from './bundle-source.ts'
import { TimeIsUpError } from './lease.ts'

/** What bringing a bundle from an app store takes. */
export interface FetchBundleDependencies {
  readonly bundles: BundleSource
  readonly objects: Pick<ObjectStore, 'size' | 'write'>
}

/**
 * Brings the bundle of an upload that names its source to the bucket, unless an earlier worker did. It streams: some 64 MiB are
 * held, whatever its size, and nothing is left of one that breaks off.
 * @returns whether there was something to bring.
 * @throws DomainError APPSTORE_DOWNLOAD_FAILED
 */
export async function fetchBundle(
  { bundles, objects }: FetchBundleDependencies,
  { key, source }: Upload,
  signal: AbortSignal,
): Promise<boolean> {
  // An object becomes visible when it is whole.
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
        'the bundle did not arrive in the time that an import may take: install it from a store nearer by, or upload it',
        signal.reason,
      )
    }
    signal.throwIfAborted()
    yield chunk
  }
}
