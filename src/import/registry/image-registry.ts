import { DomainError } from '../../contract/errors.ts'

/** Where task images go: a registry that speaks the OCI distribution protocol. */
export interface ImageRegistry {
  /** Makes the repository when it is missing. */
  ensureRepository(repository: string): Promise<void>
  hasBlob(repository: string, digest: string): Promise<boolean>
  /**
   * Sends one blob as it streams; its digest is computed on the way. A small one (4 MiB) that is there already is not sent.
   * @returns digest and size of what was sent.
   * @throws RegistryUnavailableError when the blob may be sent again; DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED
   */
  pushBlob(
    repository: string,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly digest: string; readonly sizeBytes: number }>
  /**
   * Sends one blob whose digest and size are told beforehand. The registry compares them with what arrives, so that nobody
   * else needs to read the bytes for that. What the repository has, or the registry takes over from another one, is read and not sent.
   * @returns whether the bytes have this digest; if not, the registry keeps nothing of them.
   * @throws as {@link pushBlob}
   */
  pushNamedBlob(
    repository: string,
    blob: { readonly digest: string; readonly sizeBytes: number },
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<boolean>
  /**
   * Makes a blob of another repository available in this one without a transfer.
   * @returns false when the registry does not do that: a copy is needed
   * @throws RegistryUnavailableError, DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED
   */
  mountBlob(repository: string, digest: string, from: string): Promise<boolean>
  /**
   * Opens a blob; holds one stream buffer. The digest is not compared.
   * @returns undefined when the repository has no such blob
   * @throws as {@link mountBlob}; what breaks off later is thrown by the stream, as RegistryUnavailableError
   */
  readBlob(repository: string, digest: string): Promise<AsyncIterable<Uint8Array> | undefined>
  /** @returns the digest under which the manifest can be pulled. */
  pushManifest(repository: string, tag: string, manifest: Uint8Array, mediaType: string): Promise<string>
  /** Removes the tag, and with the last tag the image; nothing happens when it is gone. */
  removeImage(repository: string, tag: string): Promise<void>
  /** What a container engine pulls: `host/repository@digest`. */
  reference(repository: string, digest: string): string
}

/** The registry or the way to it failed in a manner that may pass: the same may be tried again. */
export class RegistryUnavailableError extends DomainError {
  constructor(description: string, options: { readonly cause?: unknown } = {}) {
    const details = { type: 'related', parameterName: 'image', description } as const
    super('REGISTRY_PUSHING_TASK_IMAGE_FAILED', details, options)
  }
}
