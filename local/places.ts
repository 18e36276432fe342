import { join } from 'node:path'

const PROJECT = join(import.meta.dirname, '..')

/** Files that the container engines need on this machine, and where they may write. Packages replace them by their own. */
export const PLACES = {
  /** Program of the embedded engine. */
  launcher: join(PROJECT, 'local/embedded/launcher/main.py'),
  /** Folder for Python's compiled code. */
  pythonCache: join(PROJECT, '.local/compile-cache/python'),
  /** Bundle whose image is used to test an engine. */
  probeBundle: join(PROJECT, 'examples/add-and-echo/add-and-echo.zip'),
  /** Podman's seccomp profile with fewer system calls. */
  seccompProfile: join(PROJECT, '.local/seccomp-podman.json'),
} as const
