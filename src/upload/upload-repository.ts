import type { UPLOAD_KNOWN_SECONDS } from '../contract/upload-limits.ts'
import type { Upload } from './upload.ts'

/** Stores uploads. An upload expires {@link UPLOAD_KNOWN_SECONDS} after its creation: no method finds it afterwards. */
export interface UploadRepository {
  create(upload: Upload): Promise<void>
  find(uploadId: string): Promise<Upload | undefined>
  /**
   * Removes `parts` and writes `change`, whatever the state of the import. A bundle is listed by {@link listStalled} from then on.
   * @returns the changed upload; undefined when it does not exist
   */
  closeParts(
    uploadId: string,
    change: { readonly sizeBytes: number; readonly state?: 'READY' },
  ): Promise<Upload | undefined>
  /** @returns false, without a change, while the upload is being imported; true also when it does not exist */
  remove(uploadId: string): Promise<boolean>
  /**
   * Starts a lease for one worker and adds 1 to `attempts`.
   * @returns the upload; undefined when it is READY, FAILED or leased
   */
  claim(uploadId: string, leaseSeconds: number): Promise<Upload | undefined>
  /**
   * Extends the lease to `leaseSeconds` from now, if its end is still `leaseUntil`.
   * @returns its new end; undefined when the upload is READY, FAILED or leased to another worker
   */
  extendLease(uploadId: string, leaseUntil: string, leaseSeconds: number): Promise<string | undefined>
  /**
   * Ends the lease now, if its end is still `leaseUntil`, so that another worker can claim the upload.
   * @param hasAdvanced resets `attempts` to 0
   * @returns false when the upload is READY, FAILED or leased to another worker
   */
  endLease(uploadId: string, leaseUntil: string, hasAdvanced: boolean): Promise<boolean>
  /** Changes an upload that is not READY or FAILED yet; does nothing otherwise. */
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
   * Ids of at most `limit` complete bundles whose import has not ended and whose lease (or, without one, upload) ended at `until` or
   * before, oldest first: their event was lost, or their worker crashed. Eventually consistent.
   */
  listStalled(until: Date, limit: number): Promise<string[]>
  /**
   * Excludes a stalled upload from {@link listStalled} for this many seconds. It can be claimed in the meantime.
   * @returns false when the upload is no longer stalled
   */
  postpone(uploadId: string, seconds: number): Promise<boolean>
}
