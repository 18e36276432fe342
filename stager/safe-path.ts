import { isAbsolute, normalize, sep } from 'node:path'
import { FinalError } from './retry.ts'

/** @throws FinalError for a path that leaves the folder, or is the folder itself */
export function safePath(path: string): string {
  const clean = normalize(path)
  const leaves = clean === '.' || clean === '..' || clean.startsWith(`..${sep}`)
  if (path === '' || leaves || isAbsolute(path) || path.includes('\0')) {
    throw new FinalError(`input path ${JSON.stringify(path.slice(0, 200))} leaves the folder`)
  }
  return clean
}
