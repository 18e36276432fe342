import { SAVE_AGAIN } from '../archive/tar/tar-format-error.ts'
import { quoted } from '../contract/quoted.ts'
import { createSemaphore } from '../shared/semaphore.ts'
import type { ImportedLayer } from '../upload/upload.ts'
import { type CheckedLayer, checkLayer, type LayerContent, wrongDigest } from './image/check-layer.ts'
import type { ArchiveFile } from './image/image-archive.ts'
import type { LayerCompression } from './image/layer-start.ts'
import { scanMountPoints } from './image/mount-points.ts'
import { OciFormatError } from './image/oci-format-error.ts'
import { FRAME_BYTES, zstdLayer } from './image/zstd-layer.ts'
import type { ImageRegistry } from './registry/image-registry.ts'

export interface LayerPusherOptions {
  readonly registry: ImageRegistry
  readonly repository: string
  /** Creates the repository when it is missing; called repeatedly, before the first push. */
  readonly prepare: () => Promise<void>
  /** Layers that earlier workers of this import pushed. */
  readonly known: readonly ImportedLayer[]
  /** Limit for all layers together, those of earlier workers included. */
  readonly maxUnpackedBytes: number
  /** Records all layers pushed so far for later workers. */
  readonly remember: (layers: readonly ImportedLayer[]) => Promise<void>
  /** Absolute mount points of a run. */
  readonly mountPoints: readonly string[]
}

/** Pushes files of an image archive as layers, each once. */
export interface LayerPusher {
  /** The layer that was pushed from a file; undefined when none was, or the registry has lost it. */
  find(file: ArchiveFile): Promise<ImportedLayer | undefined>
  /**
   * Verifies and pushes a file as a stream; a plain file is compressed on the way.
   * @throws OciFormatError, RegistryUnavailableError, DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED
   */
  push(file: ArchiveFile, content: LayerContent, diffId?: string): Promise<void>
  /**
   * Adds a layer that the repository has already, with the facts recorded at its first import. Does not call `remember`: a later worker
   * finds the layer as quickly in the repository.
   * @throws OciFormatError
   */
  reuse(file: ArchiveFile, layer: Omit<ImportedLayer, 'file' | 'fileBytes'>): void
  /** Number of layers that this worker has sent. */
  sent(): number
}

/** Maximum number of frames in progress, for all layers together: 32 MiB of content and output. */
const FRAMES_AT_ONCE = 4
/**
 * Maximum length of a layer's path. Builders need about 80 bytes. With it, up to 200 layers fit in the upload's item of
 * 400 KB.
 */
const MAX_NAME_BYTES = 1024

/**
 * Creates a pusher. Memory: content and output of {@link FRAMES_AT_ONCE} frames of {@link FRAME_BYTES}, and a few MiB
 * for each layer in progress.
 */
export function createLayerPusher(options: LayerPusherOptions): LayerPusher {
  const { registry, repository } = options
  const permits = createSemaphore(FRAMES_AT_ONCE)
  const layers = new Map(options.known.map((layer) => [layer.file, layer]))
  /** Files whose blob is known to exist in the registry. */
  const present = new Set<string>()
  let sent = 0
  /** Unpacked size of the layers that are pushed or in progress. */
  let unpackedBytes = options.known.reduce((sum, { contentBytes }) => sum + contentBytes, 0)

  return {
    async find({ name, sizeBytes }) {
      const layer = layers.get(name)
      if (layer === undefined || layer.fileBytes !== sizeBytes) return undefined
      if (!present.has(name) && !(await registry.hasBlob(repository, layer.digest))) {
        layers.delete(name)
        unpackedBytes -= layer.contentBytes
        return undefined
      }
      present.add(name)
      return layer
    },

    async push(file, content, diffId) {
      const { name } = file
      if (Buffer.byteLength(name) > MAX_NAME_BYTES) throw nameTooLong(name)
      const scan = scanMountPoints(options.mountPoints)
      const onContent = (chunk: Uint8Array): void => {
        unpackedBytes += chunk.length
        if (unpackedBytes > options.maxUnpackedBytes) throw imageTooLarge(options.maxUnpackedBytes)
        scan.take(chunk)
      }
      const layer = checkLayer({ ...file, ...(diffId !== undefined && { diffId }) }, content, onContent)
      let blob: Awaited<ReturnType<typeof pushChecked>>
      try {
        await options.prepare()
        blob = await pushChecked(file, layer)
        if (layer.diffId() === '') throw new Error(`the layer ${name} was not read completely`)
      } catch (error) {
        unpackedBytes -= layer.contentBytes()
        throw error
      }
      layers.set(name, {
        file: name,
        fileBytes: file.sizeBytes,
        diffId: layer.diffId(),
        contentBytes: layer.contentBytes(),
        mountPoints: scan.facts(),
        ...blob,
      })
      present.add(name)
      sent += 1
      await options.remember([...layers.values()])
    },

    reuse({ name, sizeBytes }, layer) {
      if (Buffer.byteLength(name) > MAX_NAME_BYTES) throw nameTooLong(name)
      unpackedBytes += layer.contentBytes
      if (unpackedBytes > options.maxUnpackedBytes) throw imageTooLarge(options.maxUnpackedBytes)
      layers.set(name, { file: name, fileBytes: sizeBytes, ...layer })
      present.add(name)
    },

    sent: () => sent,
  }

  async function pushChecked(file: ArchiveFile, { bytes, compression }: CheckedLayer) {
    if (compression === 'none') {
      const blob = await registry.pushBlob(repository, zstdLayer(bytes, permits))
      return { ...blob, compression: 'zstd' as LayerCompression }
    }
    const { digest, sizeBytes } = file
    if (digest === undefined) return { ...(await registry.pushBlob(repository, bytes)), compression }
    const isRight = await registry.pushNamedBlob(repository, { digest, sizeBytes }, bytes)
    if (!isRight) throw wrongDigest(file)
    return { digest, sizeBytes, compression }
  }
}

function imageTooLarge(maxBytes: number): OciFormatError {
  return new OciFormatError(
    'image-too-large',
    `the layers of the image archive unpack to over ${Math.floor(maxBytes / 1024 ** 3)} GiB together, which is the largest disk of a job in this installation: make the image smaller, or save it for one platform only`,
  )
}

function nameTooLong(name: string): OciFormatError {
  return new OciFormatError(
    'limit-exceeded',
    `the layer ${quoted(name)} has a name of over ${MAX_NAME_BYTES} bytes: ${SAVE_AGAIN}`,
  )
}
