import { join } from 'node:path'
import * as z from 'zod'
import { engineProgramSchema } from '../container-engine.ts'
import { createEmbeddedEngine } from '../embedded/embedded-engine.ts'
import { embeddedSettingsSchema } from '../embedded/launcher.ts'
import type { ContainerEngine } from './container-run.ts'
import { createProgramEngine } from './program-engine.ts'

/** The detected engine, passed from the starting process to the Batch server. */
export const engineSettingsSchema = z.discriminatedUnion('kind', [
  engineProgramSchema,
  embeddedSettingsSchema,
])
export type EngineSettings = z.infer<typeof engineSettingsSchema>

export interface EngineDependencies {
  readonly instance: string
  /** State directory of the Batch server. */
  readonly stateDirectory: string
  /** Takes work that may continue after a container's end. */
  readonly afterwards: (work: Promise<unknown>) => void
}

/** Limit of the unpacked images that the embedded engine keeps, in addition to those in use. */
const IMAGE_STORE_BYTES = 20 * 1024 ** 3

/** Creates the engine that the settings describe. */
export function createContainerEngine(
  settings: EngineSettings,
  { instance, stateDirectory, afterwards }: EngineDependencies,
): ContainerEngine {
  if (settings.kind === 'embedded') {
    const imageBytes = IMAGE_STORE_BYTES
    return createEmbeddedEngine(settings, { instance, stateDirectory, imageBytes, afterwards })
  }
  const listFile = join(stateDirectory, 'pulled-images')
  return createProgramEngine(settings, { instance, listFile, afterwards })
}

/** Describes an engine for the output of `npm start`. */
export function describeEngine(settings: EngineSettings): string {
  if (settings.kind !== 'embedded') return settings.kind
  return `the embedded engine, limits by ${settings.limits}`
}
