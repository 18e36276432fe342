import { isUtf8 } from 'node:buffer'
import yauzl from 'yauzl'
import { quoted } from '../../contract/quoted.ts'

/** Maximum length of an entry's path, relative to the output; Linux accepts 4096 bytes (`PATH_MAX`). */
export const MAX_FOLDER_NAME_BYTES = 4096

/**
 * Reason why a file cannot be a zip entry, with the remedy; undefined when it can. Tasks choose the names, so they are
 * untrusted.
 */
export function folderNameProblem(bytes: Uint8Array, maxBytes = MAX_FOLDER_NAME_BYTES): string | undefined {
  const shown = quoted(Buffer.from(bytes).toString(isUtf8(bytes) ? 'utf8' : 'latin1'))
  if (!isUtf8(bytes)) return `the name of the file ${shown} is not UTF-8; rename it`
  if (bytes.length > maxBytes) {
    return `the path of the file ${shown} has ${bytes.length} bytes; at most ${maxBytes} are allowed, so use shorter names`
  }
  const name = Buffer.from(bytes).toString()
  if (name.includes('\\')) {
    return `the name of the file ${shown} has a backslash, which separates folders on Windows; rename it`
  }
  const isSafe =
    name !== '' && !name.endsWith('/') && !name.includes('\0') && yauzl.validateFileName(name) === null
  return isSafe ? undefined : `the name of the file ${shown} leaves the folder; rename it`
}
