import { ZipFormatError } from './zip-format-error.ts'

/** How files start that people take for zips, in hexadecimal. */
const MAGICS: readonly (readonly [start: string, what: string])[] = [
  ['377abcaf271c', 'a 7z archive'],
  ['526172211a07', 'a RAR archive'],
  ['1f8b', 'a gzip file (.tar.gz or .tgz, say)'],
  ['28b52ffd', 'a zstd file'],
  ['fd377a585a00', 'an xz file'],
  ['425a68', 'a bzip2 file'],
  ['4d5a', 'a Windows program; self-extracting archives are not taken'],
  ['7f454c46', 'a program'],
  ['25504446', 'a PDF document'],
  ['3c', 'a web page or XML document; was the address of a download right?'],
  ['7b', 'a JSON document; was the address of a download right?'],
]
const TAR_MAGIC = { text: 'ustar', offset: 257 }
/** What is looked at of a file's start. */
export const START_BYTES = TAR_MAGIC.offset + TAR_MAGIC.text.length

/** An entry; the end of an archive without entries. */
const ZIP_SIGNATURES = ['PK\u0003\u0004', 'PK\u0005\u0006']
/** The first of several parts; the only one of what was to be split (PKWARE APPNOTE 6.3.10, 8.5.3 and 8.5.4). */
const SPLIT_SIGNATURES = ['PK\u0007\u0008', 'PK00']
const SPLIT_MARKER_BYTES = 4

/**
 * Looks at the first bytes of a file.
 * @returns where the first entry starts: behind the marker of an archive that was to be split, and turned out small enough
 * @throws ZipFormatError that tells what the file is instead of a zip.
 */
export function requireZipStart(start: Buffer): number {
  const signature = start.toString('latin1', 0, 4)
  if (ZIP_SIGNATURES.includes(signature)) return 0
  if (SPLIT_SIGNATURES.includes(signature)) return SPLIT_MARKER_BYTES
  if (start.length === 0) throw notAZip('the file is empty')
  const found = recognise(start)
  throw notAZip(
    found === undefined ? 'the file is not a zip archive' : `the file is not a zip archive but ${found}`,
  )
}

/** A zip that lies in several files: `part` is what was found of it. */
export function splitArchive(part: string): ZipFormatError {
  return new ZipFormatError(
    'not-a-zip',
    `the file is ${part} of a split zip archive; make one file of it, with "zip -s 0 parts.zip --out whole.zip" for example`,
  )
}

function recognise(start: Buffer): string | undefined {
  const hex = start.toString('hex')
  const { text, offset } = TAR_MAGIC
  if (start.toString('latin1', offset, offset + text.length) === text) return 'a tar archive'
  return MAGICS.find(([magic]) => hex.startsWith(magic))?.[1]
}

function notAZip(found: string): ZipFormatError {
  return new ZipFormatError(
    'not-a-zip',
    `${found}; expected a zip with stored or deflated files: zip the files and send the archive`,
  )
}
