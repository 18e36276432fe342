export type TarFormatErrorCode =
  | 'not-a-tar'
  | 'corrupt'
  | 'unsafe-name'
  | 'duplicate-name'
  /** A file whose holes were left out when it was packed. */
  | 'sparse'
  | 'limit-exceeded'

/** The archive is refused; the message tells its maker why, and what to do. */
export class TarFormatError extends Error {
  readonly code: TarFormatErrorCode

  constructor(code: TarFormatErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'TarFormatError'
    this.code = code
  }
}

/** What helps against an image archive that no engine writes so. */
export const SAVE_AGAIN = 'save the image again with docker, podman or skopeo'

/** An archive that is not as its writer left it. */
export function corruptTar(words: string): TarFormatError {
  return new TarFormatError('corrupt', `the tar archive is damaged: ${words}; ${SAVE_AGAIN}`)
}
