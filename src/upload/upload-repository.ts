import type { Upload } from './upload.ts'

/** Uploads, each known for 30 days from its creation (src/contract/upload-limits.ts): after that none of the methods finds it. */
export interface UploadRepository {
  create(upload: Upload): Promise<void>
  find(uploadId: string): Promise<Upload | undefined>
  /**
   * No more parts arrive: takes `parts` away and writes the rest, whatever the importer made of the upload meanwhile.
   * @returns the upload after the change; undefined when it does not exist.
   */
  closeParts(
    uploadId: string,
    change: { readonly sizeBytes: number; readonly state?: 'READY' },
  ): Promise<Upload | undefined>
  /** @returns false, and the upload stays, while an import is at it; true also when it is gone. */
  remove(uploadId: string): Promise<boolean>
  /**
   * Takes the upload for one worker until the lease ends, and counts the attempt.
   * @returns the upload, or undefined when it is READY, FAILED or in the hands of another worker.
   */
  claim(uploadId: string, leaseSeconds: number): Promise<Upload | undefined>
  /**
   * Makes the lease that ends at `leaseUntil` end so many seconds from now.
   * @returns its new end, or undefined when the upload is over or in the hands of another worker.
   */
  extendLease(uploadId: string, leaseUntil: string, leaseSeconds: number): Promise<string | undefined>
  /**
   * Ends the lease that ends at `leaseUntil`: the upload is for whoever comes next. One that has got on (`hasAdvanced`) has all its
   * attempts before it again.
   * @returns false when the upload is over or in the hands of another worker.
   */
  giveBack(uploadId: string, leaseUntil: string, hasAdvanced: boolean): Promise<boolean>
  /** Writes what the importer finds out. The final states READY and FAILED are kept. */
  update(
    uploadId: string,
    change: Pick<Upload, 'state'> &
      Partial<
        Pick<
          Upload,
          'error' | 'progress' | 'layers' | 'name' | 'warnings' | 'etag' | 'attempts' | 'triedSince'
        >
      >,
  ): Promise<void>
  /**
   * Whole bundles whose import has not ended and that nobody has had in hand since `until`, longest ago first, at most `limit`:
   * their event was lost, or their worker died. The list lags behind by a moment.
   */
  listLeft(until: Date, limit: number): Promise<string[]>
  /**
   * Takes an upload that was left behind for one that somebody has in hand for so many seconds from now; it may be claimed.
   * @returns false when it is not left behind (any more).
   */
  postpone(uploadId: string, seconds: number): Promise<boolean>
}
