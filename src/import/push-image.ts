import { Readable } from 'node:stream'
import type { ZipArchive, ZipEntry } from '../archive/zip/read-zip.ts'
import type { ImageSize } from '../run/job/job-size.ts'
import type { Pause } from '../shared/retry.ts'
import type { ImportedLayer, Upload } from '../upload/upload.ts'
import { buildManifest } from './image/build-manifest.ts'
import { requireDiffId } from './image/check-layer.ts'
import type { HeldLayers } from './image/find-image.ts'
import { requireMountable } from './image/mount-points.ts'
import { createLayerPusher } from './layer-pusher.ts'
import { createPushProgress } from './push-progress.ts'
import { pushStoredArchive } from './push-stored-archive.ts'
import { pushStreamedArchive } from './push-streamed-archive.ts'
import type { ImageRegistry } from './registry/image-registry.ts'
import { reuseLayers } from './reuse-layers.ts'

interface PushedImage {
  readonly manifest: { readonly bytes: Buffer; readonly mediaType: string }
  readonly size: ImageSize
  /** Layers in the order of the image's config. */
  readonly layers: readonly ImportedLayer[]
  /** Names of layers that the archive lacked. */
  readonly reused: ReadonlySet<string>
}

export interface PushImageOptions {
  readonly registry: ImageRegistry
  readonly repository: string
  readonly zip: ZipArchive
  /** The image archive. */
  readonly entry: ZipEntry
  /** Tag that selects the image when the archive has several. */
  readonly wantedTag: string
  /** Layers that the archive may lack. */
  readonly held: HeldLayers
  /** Limit for all layers together, unpacked; decompression stops beyond it. */
  readonly maxUnpackedBytes: number
  /** Layers that earlier workers of this import pushed. */
  readonly known: readonly ImportedLayer[]
  /** Records progress and the layers pushed so far; calls never overlap. */
  readonly record: (facts: Required<Pick<Upload, 'progress' | 'layers'>>) => Promise<void>
  /** Absolute mount points of a run. */
  readonly mountPoints: readonly string[]
  readonly pause: Pause
  /** Stops the push between two pieces of the archive; its reason is thrown. */
  readonly signal: AbortSignal
}

/**
 * Verifies an image and pushes its layers and config. The caller pushes the manifest, so nothing can be pulled yet. An
 * archive that is stored uncompressed in the zip is scanned first, and its layers are pushed in parallel. A deflated
 * one can only be read front to back, so whatever looks like a layer is pushed as it is read (docs/adr/0007). Memory
 * does not depend on the image's size.
 * @throws OciFormatError, TarFormatError, ZipFormatError, DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED
 */
export async function pushImage(options: PushImageOptions): Promise<PushedImage> {
  const { registry, repository, zip, entry, wantedTag, held, pause, signal } = options
  const progress = createPushProgress(entry.sizeBytes, options.known, options.record)
  let preparing: Promise<void> | undefined
  const prepare = (): Promise<void> => {
    preparing ??= registry.ensureRepository(repository).catch((error: unknown) => {
      preparing = undefined
      throw error
    })
    return preparing
  }
  const pusher = createLayerPusher({
    registry,
    repository,
    prepare,
    known: options.known,
    maxUnpackedBytes: options.maxUnpackedBytes,
    remember: progress.layerDone,
    mountPoints: options.mountPoints,
  })
  await progress.report()
  const stored = await zip.stored(entry)
  const shared = { wantedTag, held, pusher, progress, pause, signal }
  const image =
    stored === undefined
      ? await pushStreamedArchive({ open: () => zip.read(entry), ...shared })
      : await pushStoredArchive({ stored, ...shared })
  const reused = await reuseLayers(image, { ...options, pusher, prepare })
  const layers = await Promise.all(
    image.layers.map(async ({ file, diffId }) => {
      const layer = await pusher.find(file)
      if (layer === undefined) throw new Error(`${file.name} was not sent`)
      requireDiffId(file.name, layer.diffId, diffId)
      return layer
    }),
  )
  requireMountable(
    options.mountPoints,
    layers.map(({ mountPoints = {} }) => mountPoints),
  )
  await prepare()
  const config = await registry.pushBlob(repository, Readable.from([image.config]))
  await progress.end([...new Map(layers.map((layer) => [layer.file, layer])).values()])
  return {
    manifest: buildManifest(config, layers),
    layers,
    reused,
    size: {
      unpackedBytes: layers.reduce((sum, { contentBytes }) => sum + contentBytes, 0),
      packedBytes: layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    },
  }
}
