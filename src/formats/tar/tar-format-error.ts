export type TarFormatErrorCode = 'not-a-tar' | 'corrupt' | 'unsafe-name' | 'duplicate-name' | 'limit-exceeded'

/** The archive is refused; the message tells its maker why. */
export class TarFormatError extends Error {
  readonly code: TarFormatErrorCode

  constructor(code: TarFormatErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'TarFormatError'
    this.code = code
  }
}
