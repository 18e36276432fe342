import { join } from 'node:path'

const PROJECT = join(import.meta.dirname, '..')

/** Files that the container engines of this machine need, and where they may write. Packages that bring them have others. */
export const PLACES = {
  /** Program of the embedded engine. */
  launcher: join(PROJECT, 'local/embedded/launcher/main.py'),
  /** Python's compiled code. */
  pythonCache: join(PROJECT, '.local/compile-cache/python'),
  /** Bundle whose image shows that containers run. */
  probeBundle: join(PROJECT, 'examples/add-and-echo/add-and-echo.zip'),
  /** Podman's seccomp profile with less in it. */
  seccompProfile: join(PROJECT, '.local/seccomp-podman.json'),
} as const
