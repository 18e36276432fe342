import type { Readable } from 'node:stream'

/** Bytes from `start`, `length` of them. */
export interface ByteRange {
  readonly start: number
  readonly length: number
}

/** One version of an object. */
export interface ObjectVersion {
  readonly sizeBytes: number
  /** Entity tag; two objects under one key differ in it unless they have the same bytes. */
  readonly etag: string
}

/** Another object took the place of the version that a call named. */
export class ObjectExchangedError extends Error {
  override readonly name = 'ObjectExchangedError'

  constructor(key: string, options: { readonly cause?: unknown } = {}) {
    super(`object ${key} was exchanged while it was read`, options)
  }
}

/** Headers that a presigned download answers with. */
export interface DownloadHeaders {
  readonly contentType: string
  /** Value of Content-Disposition. */
  readonly contentDisposition: string
}

/** The bucket. Keys as in docs/architecture.md. */
export interface ObjectStore {
  put(key: string, body: Uint8Array | string, contentType?: string): Promise<void>
  /**
   * Writes a stream of unknown length in parts of 16 MiB, four at a time at most (64 MiB of memory); nothing is left when the
   * stream fails.
   * @returns bytes written.
   */
  write(key: string, body: Readable, contentType?: string): Promise<number>
  /**
   * The object's bytes as a stream, whole or a range; undefined when there is no such object.
   * @param etag of the only version that is meant; any when absent
   * @throws ObjectExchangedError
   */
  read(key: string, range?: ByteRange, etag?: string): Promise<Readable | undefined>
  /** Size in bytes; undefined when there is no such object. */
  size(key: string): Promise<number | undefined>
  /** The present version; undefined when there is no such object. */
  find(key: string): Promise<ObjectVersion | undefined>
  /**
   * Copies one version of an object within the bucket: its bytes do not come here, and a large one goes in many ranges at once.
   * @param etag of the version that is meant; the present one when absent
   * @returns its size; undefined when there is no such object.
   * @throws ObjectExchangedError
   */
  copy(from: string, to: string, etag?: string): Promise<number | undefined>
  list(prefix: string): AsyncIterable<{ readonly key: string; readonly sizeBytes: number }>
  remove(key: string): Promise<void>
  /** Removes all objects below the prefix, page by page. */
  removeAll(prefix: string): Promise<void>
  /** URL for a GET, or for a HEAD: a signature is for one method. */
  presignRead(
    key: string,
    seconds: number,
    headers?: DownloadHeaders,
    method?: 'GET' | 'HEAD',
  ): Promise<string>
  /** URL for one PUT of at most 5 GB. */
  presignWrite(key: string, seconds: number): Promise<string>
}
