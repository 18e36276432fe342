/** One part of an object that is arriving. */
export interface StoredPart {
  /** From 1. */
  readonly partNumber: number
  readonly sizeBytes: number
  /** What S3 knows these bytes by. */
  readonly etag: string
}

/** Objects that arrive in parts, each of them sent to a presigned URL. Nothing is visible under the key before the end. */
export interface PartStore {
  /** @returns the id under which the parts are kept together. */
  start(key: string, contentType?: string): Promise<string>
  /** URL for the PUT of one part, at most 5 GB; a part that is sent again replaces the one before. */
  presignPart(key: string, multipartId: string, partNumber: number, seconds: number): Promise<string>
  /** Parts that have arrived, ascending; undefined when they were put together, given up, or forgotten. */
  list(key: string, multipartId: string): Promise<readonly StoredPart[] | undefined>
  /**
   * Makes the object of these parts; all but the last have 5 MiB at least.
   * @returns false when the parts are not there (any more).
   */
  complete(key: string, multipartId: string, parts: readonly StoredPart[]): Promise<boolean>
  /** Forgets the parts; nothing happens when they are gone. */
  abort(key: string, multipartId: string): Promise<void>
}
