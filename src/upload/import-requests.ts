/** Asks for imports that no arriving object starts. */
export interface ImportRequests {
  /** The importer will be called with this upload, once at least. */
  send(uploadId: string): Promise<void>
}
