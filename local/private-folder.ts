import { chmodSync, mkdirSync } from 'node:fs'

/** Tasks leave files of any user and mode in these folders, and jobs contain the secrets of their runs. */
const OWNER_ONLY = 0o700

/** Creates a folder that other users cannot read or enter; also restricts an existing one. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true })
  chmodSync(path, OWNER_ONLY)
}
