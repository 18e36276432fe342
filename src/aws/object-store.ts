import type { Readable } from 'node:stream'

/** `length` bytes from offset `start`. */
export interface ByteRange {
  readonly start: number
  readonly length: number
}

/** One version of an object. */
export interface ObjectVersion {
  readonly sizeBytes: number
  /** Entity tag: differs between two versions of a key unless their bytes are the same. */
  readonly etag: string
}

/** Result of a copy. */
export interface CopiedObject {
  readonly sizeBytes: number
  /** Digest of the content (src/shared/content-digest.ts); absent when the store computed none. */
  readonly digest?: string
}

/** The object has another version than the one that the call names. */
export class ObjectExchangedError extends Error {
  override readonly name = 'ObjectExchangedError'

  constructor(key: string, options: { readonly cause?: unknown } = {}) {
    super(`object ${key} was replaced while it was read`, options)
  }
}

/** A copy was stopped because its caller's time was up. */
export class CopyStoppedError extends Error {
  override readonly name = 'CopyStoppedError'

  constructor(key: string) {
    super(`the time for copying object ${key} is up`)
  }
}

/** Response headers of a presigned download. */
export interface DownloadHeaders {
  readonly contentType: string
  /** Value of Content-Disposition. */
  readonly contentDisposition: string
}

/** The S3 bucket; keys are in src/contract/storage-keys.ts. */
export interface ObjectStore {
  put(key: string, body: Uint8Array | string, contentType?: string): Promise<void>
  /**
   * Writes a stream of unknown length. Uses 64 MiB of memory: four parts of 16 MiB at once. Leaves no object when the
   * stream fails.
   * @returns number of bytes
   */
  write(key: string, body: Readable, contentType?: string): Promise<number>
  /**
   * Streams an object or a range of it; undefined when it does not exist.
   * @param etag version to read; any when absent
   * @throws ObjectExchangedError
   */
  read(key: string, range?: ByteRange, etag?: string): Promise<Readable | undefined>
  /** Size in bytes; undefined when the object does not exist. */
  size(key: string): Promise<number | undefined>
  /** Current version; undefined when the object does not exist. */
  find(key: string): Promise<ObjectVersion | undefined>
  /**
   * Copies an object within S3, a large one in parallel ranges.
   * @param etag version to copy; the current one when absent
   * @param isTimeUp whether to start no further range; the copy is then removed
   * @returns undefined when the object does not exist
   * @throws ObjectExchangedError, CopyStoppedError
   */
  copy(from: string, to: string, etag?: string, isTimeUp?: () => boolean): Promise<CopiedObject | undefined>
  list(prefix: string): AsyncIterable<{ readonly key: string; readonly sizeBytes: number }>
  remove(key: string): Promise<void>
  /**
   * Removes all objects whose keys start with the prefix.
   * @param isTimeUp whether to start no further page of a thousand objects
   */
  removeAll(prefix: string, isTimeUp?: () => boolean): Promise<void>
  /** Presigned URL for one method: the signature contains it. */
  presignRead(
    key: string,
    seconds: number,
    headers?: DownloadHeaders,
    method?: 'GET' | 'HEAD',
  ): Promise<string>
  /** Presigned URL for a PUT of at most 5 GB. */
  presignWrite(key: string, seconds: number): Promise<string>
}
