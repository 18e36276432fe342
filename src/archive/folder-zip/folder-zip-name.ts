import { isUtf8 } from 'node:buffer'
import yauzl from 'yauzl'
import { quoted } from '../../contract/quoted.ts'

/** Longest path of an entry, below its output's name; Linux takes 4096 bytes in one call. */
export const MAX_FOLDER_NAME_BYTES = 4096

/**
 * Why a file cannot be an entry of a folder's zip, in words that name it and the cure; undefined when it can. The task chooses
 * these names, and whoever unpacks the zip must be able to trust them.
 */
export function folderNameProblem(bytes: Uint8Array, maxBytes = MAX_FOLDER_NAME_BYTES): string | undefined {
  const shown = quoted(Buffer.from(bytes).toString(isUtf8(bytes) ? 'utf8' : 'latin1'))
  if (!isUtf8(bytes)) return `the name of the file ${shown} is not UTF-8; give it a name that is`
  if (bytes.length > maxBytes) {
    return `the path of the file ${shown} has ${bytes.length} bytes; at most ${maxBytes} are taken, so use shorter names`
  }
  const name = Buffer.from(bytes).toString()
  if (name.includes('\\')) {
    return `the name of the file ${shown} has a backslash, which leads out of the folder on Windows; rename it`
  }
  const isSafe =
    name !== '' && !name.endsWith('/') && !name.includes('\0') && yauzl.validateFileName(name) === null
  return isSafe ? undefined : `the name of the file ${shown} leads out of the folder; rename it`
}
