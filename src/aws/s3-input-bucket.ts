import type { S3Client } from '@aws-sdk/client-s3'
import { ObjectExchangedError, type ObjectStore } from './object-store.ts'
import { copyObject } from './s3-copy.ts'
import { isExchanged } from './s3-errors.ts'
import { createS3ObjectStore } from './s3-object-store.ts'

/**
 * Access to buckets outside of the installation whose objects may be inputs.
 * @param options.names the only buckets that are read
 */
export function createS3InputBuckets({
  client,
  bucketName,
  names,
}: {
  readonly client: S3Client
  /** Bucket of the installation, which objects are copied into. */
  readonly bucketName: string
  readonly names: readonly string[]
}) {
  return (name: string) => {
    if (!names.includes(name)) return undefined
    const objects: Pick<ObjectStore, 'find' | 'read'> = createS3ObjectStore({ client, bucketName: name })
    return {
      objects,
      /**
       * @returns the digest of the content; undefined when S3 computed none
       * @throws ObjectExchangedError when the object now has another version, or no longer exists
       */
      async copy(from: string, to: string, etag: string): Promise<string | undefined> {
        const found = await objects.find(from)
        if (found?.etag !== etag) throw new ObjectExchangedError(from)
        try {
          return await copyObject(client, { bucketName, sourceBucketName: name, from, to, ...found })
        } catch (error) {
          throw isExchanged(error) ? new ObjectExchangedError(from, { cause: error }) : error
        }
      },
    }
  }
}
