import { join } from 'node:path'
import { CACHE_FOLDER } from '../cache-folder.ts'

/** Replaces local/places.ts in the package: files beside the program, and the user's cache. */
export const PLACES = {
  launcher: join(import.meta.dirname, 'launcher/main.py'),
  pythonCache: join(CACHE_FOLDER, 'python'),
  probeBundle: join(import.meta.dirname, 'probe.zip'),
  seccompProfile: join(CACHE_FOLDER, 'seccomp-podman.json'),
} as const
