import { mapUntilFailure } from '../shared/map-until-failure.ts'
import { peek } from '../shared/peek.ts'
import { type Pause, retry } from '../shared/retry.ts'
import { untilAborted } from '../shared/until-aborted.ts'
import type { LayerRepository, PublishedLayer } from '../upload/published-layer.ts'
import type { ImportedLayer, Upload } from '../upload/upload.ts'
import { requireDiffId } from './image/check-layer.ts'
import { type FoundImage, type HeldLayers, type ImageLayer, layerGone } from './image/find-image.ts'
import { MAGIC_BYTES } from './image/layer-start.ts'
import type { LayerPusher } from './layer-pusher.ts'
import { OUTAGE_PAUSES_MS } from './outage.ts'
import { type ImageRegistry, RegistryUnavailableError } from './registry/image-registry.ts'

/** Maximum number of concurrent requests to the registry. */
const MAX_CONCURRENT_CHECKS = 16
/** Maximum number of concurrent copies. Each needs as much memory as a pushed layer. */
const COPIED_AT_ONCE = 4

interface FindHeldDependencies {
  readonly layers: Pick<LayerRepository, 'find'>
  readonly registry: Pick<ImageRegistry, 'hasBlob'>
}

/**
 * Returns the layers that a bundle may lack: those that were marked as held when the upload was created. Each is looked
 * up in the repositories that have it now, `repository` first.
 */
export async function findHeldLayers(
  { layers, registry }: FindHeldDependencies,
  { namedLayers = [] }: Pick<Upload, 'namedLayers'>,
  repository: string,
): Promise<HeldLayers> {
  const named = new Map(namedLayers.filter(({ held }) => held).map((layer) => [layer.digest, layer]))
  const find = async (digest: string, size: number): Promise<PublishedLayer | undefined> => {
    for (const place of await layers.find(digest, repository)) {
      const isHeld = place.size === size && (await registry.hasBlob(place.repository, place.layer.digest))
      if (isHeld) return place
    }
    return undefined
  }
  const places = await mapUntilFailure(
    named.values(),
    async ({ digest, size }) => [digest, await find(digest, size)] as const,
    { concurrency: MAX_CONCURRENT_CHECKS },
  )
  return new Map(places)
}

export interface ReuseOptions {
  readonly registry: ImageRegistry
  /** Repository of the image. */
  readonly repository: string
  readonly prepare: () => Promise<void>
  readonly pusher: LayerPusher
  /** Absolute mount points of the run's folders. */
  readonly mountPoints: readonly string[]
  readonly pause: Pause
  readonly signal: AbortSignal
}

/**
 * Adds the layers that the archive lacks to the repository. A layer that the repository has, or that the registry mounts, costs
 * one request. All others are copied with the same checks as layers of the archive: if the registry does not mount them, or if
 * they were checked for other mount points.
 * @returns names of these layers
 * @throws OciFormatError, RegistryUnavailableError, DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED
 */
export async function reuseLayers(image: FoundImage, options: ReuseOptions): Promise<ReadonlySet<string>> {
  const held = image.layers.filter(({ file }) => file.held !== undefined)
  const layers = [...new Map(held.map((layer) => [layer.file.name, layer])).values()]
  const { pause, signal } = options
  const isRetryable = (error: unknown): boolean => error instanceof RegistryUnavailableError
  const work = (layer: ImageLayer, layerSignal: AbortSignal) =>
    retry(() => reuseLayer(layer, { ...options, signal: layerSignal }), {
      pausesMs: OUTAGE_PAUSES_MS,
      isRetryable,
      pause,
      signal: layerSignal,
    })
  await mapUntilFailure(layers, work, { concurrency: COPIED_AT_ONCE, signal })
  return new Set(layers.map(({ file }) => file.name))
}

async function reuseLayer({ file, diffId }: ImageLayer, options: ReuseOptions): Promise<void> {
  const { registry, repository, pusher, mountPoints, signal } = options
  const { held } = file
  if (held === undefined || (await pusher.find(file)) !== undefined) return
  signal.throwIfAborted()
  requireDiffId(file.name, held.layer.diffId, diffId)
  await options.prepare()
  const isChecked = mountPoints.every((folder) => held.folders.includes(folder))
  const { digest } = held.layer
  const isThere = async (): Promise<boolean> =>
    held.repository === repository || (await registry.mountBlob(repository, digest, held.repository))
  if (isChecked && (await isThere())) return pusher.reuse(file, held.layer)
  const bytes = await registry.readBlob(held.repository, digest)
  if (bytes === undefined) throw layerGone(file.name)
  const { start, all } = await peek(untilAborted(bytes, signal), MAGIC_BYTES)
  await pusher.push(file, { start, bytes: all }, diffId)
}

/** Whether a reused layer of the image has been removed from its repository. */
export async function isAnyGone(
  registry: Pick<ImageRegistry, 'hasBlob'>,
  repository: string,
  layers: readonly ImportedLayer[],
): Promise<boolean> {
  const isThere = await mapUntilFailure(layers, ({ digest }) => registry.hasBlob(repository, digest), {
    concurrency: MAX_CONCURRENT_CHECKS,
  })
  return isThere.includes(false)
}

/**
 * Facts about the layers of a published image to store for reuse; layers imported by earlier versions are
 * skipped.
 */
export function publishedLayers(
  layers: readonly ImportedLayer[],
  repository: string,
  folders: readonly string[],
): readonly PublishedLayer[] {
  const entries = layers.flatMap(({ file: _, fileBytes: __, mountPoints, ...facts }) => {
    if (mountPoints === undefined) return []
    const common = { repository, folders, layer: { ...facts, mountPoints } }
    return [
      { digest: facts.digest, size: facts.sizeBytes, ...common },
      { digest: facts.diffId, size: facts.contentBytes, ...common },
    ]
  })
  return [...new Map(entries.map((entry) => [entry.digest, entry])).values()]
}
