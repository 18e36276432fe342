import { quoted } from '../../contract/quoted.ts'
import { FormatError } from '../../shared/format-error.ts'

export type ZipFormatErrorCode =
  | 'not-a-zip'
  | 'corrupt'
  | 'encrypted'
  | 'unsafe-name'
  | 'duplicate-name'
  | 'unsupported-method'
  | 'link'
  | 'limit-exceeded'

/** Refusal of an archive; the message gives the author the reason and the remedy. */
export class ZipFormatError extends FormatError<ZipFormatErrorCode> {
  override readonly name = 'ZipFormatError'
}

/** Error for an archive that is damaged, or that no correct tool writes. */
export function corruptZip(words: string, cause?: unknown): ZipFormatError {
  const message = `the zip archive is damaged: ${words}; zip the files again and send the whole archive`
  return new ZipFormatError('corrupt', message, cause === undefined ? undefined : { cause })
}

/** Error for an encrypted archive; `part` names what is encrypted. */
export function encryptedZip(part: string): ZipFormatError {
  return new ZipFormatError('encrypted', `${part} of the zip archive is encrypted; zip without a password`)
}

/** Error for an entry that differs from its directory record. */
export function corruptEntry(name: string, words: string, cause?: unknown): ZipFormatError {
  return corruptZip(`the entry ${quoted(name)} ${words}`, cause)
}

/** @throws ZipFormatError when the checksum of an entry is wrong */
export function requireChecksum(name: string, found: number, expected: number): void {
  if (found === expected) return
  const [has, says] = [found, expected].map((crc) => crc.toString(16).padStart(8, '0'))
  throw corruptEntry(name, `has the checksum (CRC-32) ${has}, while the archive says ${says}`)
}
