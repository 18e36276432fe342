import { DomainError } from '../../contract/errors.ts'

/** Registry of task images; speaks the OCI distribution protocol. */
export interface ImageRegistry {
  /** Creates the repository when it is missing. */
  ensureRepository(repository: string): Promise<void>
  hasBlob(repository: string, digest: string): Promise<boolean>
  /**
   * Pushes one blob as a stream and computes its digest. A small blob (up to 4 MiB) that exists is not sent.
   * @returns digest and size of the content
   * @throws RegistryUnavailableError when a retry may succeed; DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED
   */
  pushBlob(
    repository: string,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly digest: string; readonly sizeBytes: number }>
  /**
   * Pushes one blob of known digest and size. The registry verifies both, which saves a hash here. A blob that the
   * repository has, or that the registry mounts from another one, is read and not sent.
   * @returns whether the bytes have this digest; if not, the registry discards them
   * @throws as {@link pushBlob}
   */
  pushNamedBlob(
    repository: string,
    blob: { readonly digest: string; readonly sizeBytes: number },
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<boolean>
  /**
   * Makes a blob of another repository available in this one without a transfer.
   * @returns false when the registry does not support that, so that a copy is needed
   * @throws RegistryUnavailableError, DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED
   */
  mountBlob(repository: string, digest: string, from: string): Promise<boolean>
  /**
   * Opens a blob as a stream, without verifying its digest. Memory: one stream buffer.
   * @returns undefined when the repository has no such blob
   * @throws as {@link mountBlob}; later failures are thrown by the stream, as RegistryUnavailableError
   */
  readBlob(repository: string, digest: string): Promise<AsyncIterable<Uint8Array> | undefined>
  /** @returns the digest under which the manifest can be pulled. */
  pushManifest(repository: string, tag: string, manifest: Uint8Array, mediaType: string): Promise<string>
  /** Removes the tag, and with the last tag the image; does nothing when there is none. */
  removeImage(repository: string, tag: string): Promise<void>
  /** Image reference for container engines: `host/repository@digest`. */
  reference(repository: string, digest: string): string
}

/** Transient failure of the registry or the network: a retry may succeed. */
export class RegistryUnavailableError extends DomainError {
  constructor(description: string, options: { readonly cause?: unknown } = {}) {
    const details = { type: 'related', parameterName: 'image', description } as const
    super('REGISTRY_PUSHING_TASK_IMAGE_FAILED', details, options)
  }
}
