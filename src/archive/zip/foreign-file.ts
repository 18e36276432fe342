import { formatOf, type SignedFormat, signatureBytes } from '../../shared/file-signatures.ts'
import { ZipFormatError } from './zip-format-error.ts'

/** Formats that users send in place of a zip. */
const FOREIGN = {
  tar: 'a tar archive',
  sevenZip: 'a 7z archive',
  rar: 'a RAR archive',
  gzip: 'a gzip file (such as .tar.gz or .tgz)',
  zstd: 'a zstd file',
  xz: 'an xz file',
  bzip2: 'a bzip2 file',
  windowsProgram: 'a Windows program; self-extracting archives are not accepted',
  elf: 'a program',
  pdf: 'a PDF document',
  markup: 'a web page or XML document (if it was downloaded, check the address)',
  json: 'a JSON document (if it was downloaded, check the address)',
} as const satisfies Partial<Record<SignedFormat, string>>
const FOREIGN_FORMATS = Object.keys(FOREIGN) as (keyof typeof FOREIGN)[]

/** Bytes to read from the start of a file. */
export const START_BYTES = signatureBytes(FOREIGN_FORMATS)

/** Size of the marker of a split archive, which an archive that fits in one part may have too. */
const SPLIT_MARKER_BYTES = 4

/**
 * Checks the first bytes of a file.
 * @returns offset of the first entry: after the marker of a split archive that fits in one part
 * @throws ZipFormatError that names the format of a file that is not a zip
 */
export function requireZipStart(start: Buffer): number {
  if (formatOf(start, ['zipEntry', 'emptyZip']) !== undefined) return 0
  if (formatOf(start, ['splitZip']) !== undefined) return SPLIT_MARKER_BYTES
  if (start.length === 0) throw notAZip('the file is empty')
  const found = formatOf(start, FOREIGN_FORMATS)
  throw notAZip(`the file is not a zip archive${found === undefined ? '' : ` but ${FOREIGN[found]}`}`)
}

/** Error for a split zip; `part` names the part that was sent. */
export function splitArchive(part: string): ZipFormatError {
  return new ZipFormatError(
    'not-a-zip',
    `the file is ${part} of a split zip archive; make one file of it, with "zip -s 0 parts.zip --out whole.zip" for example`,
  )
}

function notAZip(found: string): ZipFormatError {
  return new ZipFormatError(
    'not-a-zip',
    `${found}; expected a zip with stored or deflated files: zip the files and send the archive`,
  )
}
