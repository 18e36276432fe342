import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buildManifest, type LayerBlob } from '../../formats/oci/build-manifest.ts'
import { checkLayer } from '../../formats/oci/check-layer.ts'
import type { FoundImage, ImageLayer } from '../../formats/oci/find-image.ts'
import { gzipLayer } from '../../formats/oci/gzip-layer.ts'
import { readTar } from '../../formats/tar/read-tar.ts'
import type { ImageRegistry, Upload } from '../../ports.ts'

type Progress = NonNullable<Upload['progress']>

interface PushedLayer extends LayerBlob {
  readonly contentBytes: number
}

interface PushedImage {
  readonly manifest: { readonly bytes: Buffer; readonly mediaType: string }
  /** Uncompressed layers together, what the image takes on a disk. */
  readonly diskBytes: number
}

/** Writes of progress are at least this far apart, as a share of the image. */
const PROGRESS_STEP = 1 / 50

/**
 * Second pass over an image archive: every layer goes to the registry as it streams by, one after another, compressed on the
 * way when plain; then the config. The manifest is left to the caller, so nothing can be pulled yet.
 * Holds some MiB (what one layer's check and compressor hold), whatever the size of the image.
 * @throws OciFormatError, TarFormatError, DomainError REGISTRY_PUSHING_TASK_IMAGE_FAILED
 */
export async function pushImage(
  registry: ImageRegistry,
  repository: string,
  image: FoundImage,
  archive: AsyncIterable<Uint8Array>,
  report: (progress: Progress) => Promise<void>,
): Promise<PushedImage> {
  // Layers may share a file, which is then sent once.
  const wanted = new Map(image.layers.map((layer) => [layer.file.name, layer]))
  const tracker = trackProgress([...wanted.values()], report)
  const pushed = new Map<string, PushedLayer>()
  await tracker.report()
  if (wanted.size > 0) {
    for await (const { name, type, body } of readTar(archive)) {
      const layer = wanted.get(name)
      if (layer === undefined || type !== 'file') continue
      pushed.set(name, await pushLayer(registry, repository, layer, tracker.counted(body)))
      await tracker.layerDone()
      if (pushed.size === wanted.size) break
    }
  }
  const layers = image.layers.map(({ file }) => {
    const layer = pushed.get(file.name)
    if (layer === undefined) throw new Error(`${file.name} is gone: the bundle changed while it was read`)
    return layer
  })
  const config = await pushConfig(registry, repository, image.config)
  const diskBytes = layers.reduce((sum, { contentBytes }) => sum + contentBytes, 0)
  return { manifest: buildManifest(config, layers), diskBytes }
}

async function pushLayer(
  registry: ImageRegistry,
  repository: string,
  { file, diffId }: ImageLayer,
  body: AsyncIterable<Uint8Array>,
): Promise<PushedLayer> {
  const { bytes, compression, contentBytes } = await checkLayer({ file, diffId }, body)
  if (compression === 'none') {
    const blob = await registry.pushBlob(repository, gzipLayer(bytes))
    return { ...blob, compression: 'gzip', contentBytes: contentBytes() }
  }
  const { digest, sizeBytes } = file
  if (digest !== undefined && (await registry.hasBlob(repository, digest))) {
    await readToEnd(bytes)
    return { digest, sizeBytes, compression, contentBytes: contentBytes() }
  }
  const blob = await registry.pushBlob(repository, bytes)
  return { ...blob, compression, contentBytes: contentBytes() }
}

async function pushConfig(registry: ImageRegistry, repository: string, config: Buffer) {
  const digest = `sha256:${createHash('sha256').update(config).digest('hex')}`
  if (await registry.hasBlob(repository, digest)) return { digest, sizeBytes: config.length }
  return await registry.pushBlob(repository, Readable.from([config]))
}

interface ProgressTracker {
  report(): Promise<void>
  counted(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined>
  layerDone(): Promise<void>
}

/** Counts bytes as they lie in the archive, which is known before the first is sent. */
function trackProgress(
  layers: readonly ImageLayer[],
  write: (progress: Progress) => Promise<void>,
): ProgressTracker {
  const bytes = layers.reduce((sum, { file }) => sum + file.sizeBytes, 0)
  let layersDone = 0
  let bytesDone = 0
  let bytesReported = 0
  const report = async (): Promise<void> => {
    bytesReported = bytesDone
    await write({ layers: layers.length, layersDone, bytes, bytesDone })
  }
  return {
    report,
    async *counted(body) {
      for await (const chunk of body) {
        bytesDone += chunk.length
        if (bytesDone - bytesReported > bytes * PROGRESS_STEP) await report()
        yield chunk
      }
    },
    async layerDone() {
      layersDone += 1
      await report()
    },
  }
}

/** A blob that is there already need not be sent, but the archive must still be what it says. */
async function readToEnd(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of bytes);
}
