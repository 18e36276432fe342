import { SAVE_AGAIN } from '../archive/tar/tar-format-error.ts'
import { quoted } from '../contract/quoted.ts'
import { createSemaphore } from '../shared/semaphore.ts'
import type { ImportedLayer } from '../upload/upload.ts'
import { type CheckedLayer, checkLayer, type LayerContent, wrongDigest } from './image/check-layer.ts'
import type { ArchiveFile } from './image/image-archive.ts'
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
  const send = createSending(options)
  const layers = new Map(options.known.map((layer) => [layer.file, layer]))
  /** Files whose blob is known to exist in the registry. */
  const present = new Set<string>()
  let sent = 0
  /** Unpacked size of the layers that are pushed or in progress. */
  let unpackedBytes = options.known.reduce((sum, { contentBytes }) => sum + contentBytes, 0)

  function addUnpacked(bytes: number): void {
    unpackedBytes += bytes
    if (unpackedBytes > options.maxUnpackedBytes) throw imageTooLarge(options.maxUnpackedBytes)
  }

  function add(layer: ImportedLayer): void {
    layers.set(layer.file, layer)
    present.add(layer.file)
  }

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
      checkName(file.name)
      const scan = scanMountPoints(options.mountPoints)
      const onContent = (chunk: Uint8Array): void => {
        addUnpacked(chunk.length)
        scan.take(chunk)
      }
      const layer = checkLayer({ ...file, ...(diffId !== undefined && { diffId }) }, content, onContent)
      const blob = await send(file, layer).catch((error: unknown) => {
        unpackedBytes -= layer.contentBytes()
        throw error
      })
      const facts = { diffId: layer.diffId(), contentBytes: layer.contentBytes(), mountPoints: scan.facts() }
      add({ file: file.name, fileBytes: file.sizeBytes, ...facts, ...blob })
      sent += 1
      await options.remember([...layers.values()])
    },

    reuse({ name, sizeBytes }, layer) {
      checkName(name)
      addUnpacked(layer.contentBytes)
      add({ file: name, fileBytes: sizeBytes, ...layer })
    },

    sent: () => sent,
  }
}

type SentBlob = Pick<ImportedLayer, 'digest' | 'sizeBytes' | 'compression'>

/** Sends layers as they are, or as zstd if they are plain. */
function createSending({ registry, repository, prepare }: LayerPusherOptions) {
  const permits = createSemaphore(FRAMES_AT_ONCE)

  async function sendChecked(file: ArchiveFile, { bytes, compression }: CheckedLayer): Promise<SentBlob> {
    if (compression === 'none') {
      const blob = await registry.pushBlob(repository, zstdLayer(bytes, permits))
      return { ...blob, compression: 'zstd' }
    }
    const { digest, sizeBytes } = file
    if (digest === undefined) return { ...(await registry.pushBlob(repository, bytes)), compression }
    const isRight = await registry.pushNamedBlob(repository, { digest, sizeBytes }, bytes)
    if (!isRight) throw wrongDigest(file)
    return { digest, sizeBytes, compression }
  }

  return async (file: ArchiveFile, layer: CheckedLayer): Promise<SentBlob> => {
    await prepare()
    const blob = await sendChecked(file, layer)
    if (layer.diffId() === '') throw new Error(`the layer ${file.name} was not read completely`)
    return blob
  }
}

function imageTooLarge(maxBytes: number): OciFormatError {
  return new OciFormatError(
    'image-too-large',
    `the layers of the image archive unpack to over ${Math.floor(maxBytes / 1024 ** 3)} GiB together, which is the largest disk of a job in this installation: make the image smaller, or save it for one platform only`,
  )
}

function checkName(name: string): void {
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return
  throw new OciFormatError(
    'limit-exceeded',
    `the layer ${quoted(name)} has a name of over ${MAX_NAME_BYTES} bytes: ${SAVE_AGAIN}`,
  )
}
