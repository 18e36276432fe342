/** Predicates about the file that an error of the file system names, by the error's code. */
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EEXIST: 'already exists',
  EACCES: 'cannot be used: permission denied',
  EPERM: 'cannot be used: permission denied',
  ENOTDIR: 'cannot be used: a part of the path is a file, not a folder',
  EISDIR: 'is a folder; expected a file',
  EROFS: 'cannot be written: its file system is read-only',
  ENOSPC: 'cannot be written: no space is left on the disk',
  EDQUOT: 'cannot be written: your quota of the disk is used up',
  ELOOP: 'cannot be used: its links lead in a circle',
  ENAMETOOLONG: 'cannot be used: its name is too long',
}

/** Errors of writes. Without a path, others may be those of a socket. */
const NAMELESS: readonly string[] = ['ENOSPC', 'EDQUOT']

/** Text for users of an error about one file; undefined for any other error. */
export function fileWords(error: Error): string | undefined {
  const { code = '', path, dest } = error as NodeJS.ErrnoException & { readonly dest?: string }
  const words = WORDS[code]
  // An error of a write names no file, and one with two files does not say which of them is meant.
  if (path === undefined && NAMELESS.includes(code)) return `a file ${words}`
  return words === undefined || path === undefined || dest !== undefined ? undefined : `${path} ${words}`
}
