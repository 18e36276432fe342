import { posix } from 'node:path'
import type { Finding } from './descriptor-problem.ts'

/** Requirements for a folder, for messages. */
export const FOLDER_RULE =
  'an absolute folder such as /inputs, without "..", outside of /proc, /sys and /dev, and not one that contains the programs of the image'

/** Linux limits paths to 4096 bytes; names of parameters and items follow the folder. */
const MAX_LENGTH = 1024

/** Kernel file systems: container engines refuse to mount there, or break the container. */
const KERNEL_FOLDERS = ['/proc', '/sys', '/dev']

/** Mounting a volume on one of these hides the image's own programs, libraries or settings; folders below are fine. */
const IMAGE_FOLDERS: ReadonlySet<string> = new Set(['/', '/bin', '/etc', '/lib', '/lib64', '/sbin', '/usr'])

/**
 * Whether a volume can be mounted at the folder. Refused as well: `..`, which would make the checks meaningless; control
 * characters and `:`, which separates the parts of a mount for container engines.
 */
export function isMountable(folder: string): boolean {
  if (folder.length > MAX_LENGTH || !folder.startsWith('/') || /[\p{Cc}:]/u.test(folder)) return false
  if (folder.split('/').includes('..')) return false
  const plain = normalizeFolder(folder)
  return !IMAGE_FOLDERS.has(plain) && !KERNEL_FOLDERS.some((kernel) => isWithin(plain, kernel))
}

/** Removes repeated and trailing slashes: `/inputs//` becomes `/inputs`. */
export function normalizeFolder(folder: string): string {
  const plain = posix.normalize(folder)
  return plain.length > 1 && plain.endsWith('/') ? plain.slice(0, -1) : plain
}

/** Reports equal or nested folders: they are two volumes, and one would hide files of the other. */
export function findFolderCollision(inputFolder: string, outputFolder: string): Finding | undefined {
  const [inputs, outputs] = [normalizeFolder(inputFolder), normalizeFolder(outputFolder)]
  if (!isWithin(inputs, outputs) && !isWithin(outputs, inputs)) return undefined
  return {
    path: ['configuration', 'output_folder'],
    message: `must be separate from the input folder: ${JSON.stringify(outputs)} and ${JSON.stringify(inputs)} are equal or nested; name another folder`,
  }
}

/** Whether a normalized path is a folder or below it. */
export function isWithin(folder: string, parent: string): boolean {
  return folder === parent || folder.startsWith(`${parent}/`)
}
