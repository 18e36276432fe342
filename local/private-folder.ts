import { chmodSync, mkdirSync } from 'node:fs'

/** Makes a folder with mode 0700: tasks leave files of any user and mode there, and jobs contain the secrets of their runs. */
const OWNER_ONLY = 0o700

/** Makes a folder that other users of this machine can neither list nor pass through; also where an earlier version made it open. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true })
  chmodSync(path, OWNER_ONLY)
}
