export type ZipFormatErrorCode =
  | 'not-a-zip'
  | 'corrupt'
  | 'encrypted'
  | 'unsafe-name'
  | 'duplicate-name'
  | 'unsupported-method'
  | 'limit-exceeded'

/** The archive is refused; the message tells its maker why. */
export class ZipFormatError extends Error {
  readonly code: ZipFormatErrorCode

  constructor(code: ZipFormatErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ZipFormatError'
    this.code = code
  }
}
