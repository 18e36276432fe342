import { quoted } from '../../contract/quoted.ts'

export type ZipFormatErrorCode =
  | 'not-a-zip'
  | 'corrupt'
  | 'encrypted'
  | 'unsafe-name'
  | 'duplicate-name'
  | 'unsupported-method'
  | 'link'
  | 'limit-exceeded'

/** The archive is refused; the message tells its maker why, and what to do. */
export class ZipFormatError extends Error {
  readonly code: ZipFormatErrorCode

  constructor(code: ZipFormatErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ZipFormatError'
    this.code = code
  }
}

/** An archive that is not as its maker left it, or that no sound tool makes. */
export function corruptZip(words: string, cause?: unknown): ZipFormatError {
  const message = `the zip archive is damaged: ${words}; zip the files again and send the whole archive`
  return new ZipFormatError('corrupt', message, cause === undefined ? undefined : { cause })
}

/** An archive, `part` of which cannot be read without a password. */
export function encryptedZip(part: string): ZipFormatError {
  return new ZipFormatError('encrypted', `${part} of the zip archive is encrypted; zip without a password`)
}

/** An entry that is not as the directory describes it. */
export function corruptEntry(name: string, words: string, cause?: unknown): ZipFormatError {
  return corruptZip(`the entry ${quoted(name)} ${words}`, cause)
}

/** @throws ZipFormatError when the bytes of an entry are not those that were zipped. */
export function requireChecksum(name: string, found: number, expected: number): void {
  if (found === expected) return
  const [has, says] = [found, expected].map((crc) => crc.toString(16).padStart(8, '0'))
  throw corruptEntry(name, `has the checksum (CRC-32) ${has}, while the archive says ${says}`)
}
