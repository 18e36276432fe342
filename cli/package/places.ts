import { join } from 'node:path'
import { cacheFolder } from '../cache-folder.ts'

/** Replaces local/places.ts in the package: files beside the program, and the user's cache. */
export const PLACES = {
  launcher: join(import.meta.dirname, 'launcher/main.py'),
  pythonCache: join(cacheFolder(), 'python'),
  probeBundle: join(import.meta.dirname, 'probe.zip'),
  seccompProfile: join(cacheFolder(), 'seccomp-podman.json'),
} as const
