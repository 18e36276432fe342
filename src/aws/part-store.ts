/** One part of a multipart upload. */
export interface StoredPart {
  /** From 1. */
  readonly partNumber: number
  readonly sizeBytes: number
  /** S3's entity tag of the part. */
  readonly etag: string
}

/** S3 multipart uploads by presigned URLs. The object appears when the upload is completed. */
export interface PartStore {
  /** @returns S3's id of the multipart upload */
  start(key: string, contentType?: string): Promise<string>
  /** Presigned URL for the PUT of one part of at most 5 GB. A part that is sent again replaces the previous one. */
  presignPart(key: string, multipartId: string, partNumber: number, seconds: number): Promise<string>
  /** Parts that have arrived, ascending; undefined when the upload was completed, aborted or expired. */
  list(key: string, multipartId: string): Promise<readonly StoredPart[] | undefined>
  /**
   * Creates the object from these parts. Each part but the last must have 5 MiB or more.
   * @returns false when the upload was completed, aborted or expired before
   */
  complete(key: string, multipartId: string, parts: readonly StoredPart[]): Promise<boolean>
  /** Does nothing when the upload was completed, aborted or expired before. */
  abort(key: string, multipartId: string): Promise<void>
}
