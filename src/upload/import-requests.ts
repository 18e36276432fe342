/** Requests imports that no event of the bucket starts. */
export interface ImportRequests {
  /** Delivered at least once. */
  send(uploadId: string): Promise<void>
}
