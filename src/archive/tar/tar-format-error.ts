import { FormatError } from '../../shared/format-error.ts'

export type TarFormatErrorCode =
  | 'not-a-tar'
  | 'corrupt'
  | 'unsafe-name'
  | 'duplicate-name'
  /** A sparse file, stored without its holes. */
  | 'sparse'
  | 'limit-exceeded'

/** Refusal of an archive; the message gives the author the reason and the remedy. */
export class TarFormatError extends FormatError<TarFormatErrorCode> {
  override readonly name = 'TarFormatError'
}

/** Remedy for an image archive that no container engine writes in this form. */
export const SAVE_AGAIN = 'save the image again with docker, podman or skopeo'

/** Error for a damaged archive. */
export function corruptTar(words: string): TarFormatError {
  return new TarFormatError('corrupt', `the tar archive is damaged: ${words}; ${SAVE_AGAIN}`)
}
