import { crc32 } from 'node:zlib'
import { inPieces } from '../../formats/in-pieces.ts'
import { notALayer } from '../../formats/oci/check-layer.ts'
import { type FoundImage, findImage, type ImageLayer } from '../../formats/oci/find-image.ts'
import { scanImageArchive } from '../../formats/oci/image-archive.ts'
import { walkTar } from '../../formats/tar/read-tar.ts'
import { rangedInput } from '../../formats/tar/tar-input.ts'
import type { StoredEntry } from '../../formats/zip/stored-entry.ts'
import { RegistryUnavailableError } from '../../ports.ts'
import type { LayerPusher } from './layer-pusher.ts'
import { OUTAGE_PAUSES_MS, type Pause } from './outage.ts'
import type { PushProgress } from './push-progress.ts'

interface StoredArchive {
  readonly stored: StoredEntry
  /** Of the image that is meant, where the archive holds several. */
  readonly wantedTag: string
  readonly pusher: LayerPusher
  readonly progress: PushProgress
  readonly pause: Pause
  readonly signal: AbortSignal
}

/** Each has a request to the bucket, a decompressor with a window of 32 MiB at most, and a request to the registry; more are no faster. */
const LAYERS_AT_ONCE = 2
/**
 * Sends an image out of an archive that can be read at any place: first its headers and documents, which say what the image
 * is; then its layers, several at once; at last what nobody has read, for the checksum of the whole.
 */
export async function pushStoredArchive(archive: StoredArchive): Promise<FoundImage> {
  const { stored, progress, signal } = archive
  const offsets = new Map<string, number>()
  const scanned = await scanImageArchive(
    walkTar(rangedInput(stored.source, stored.coverage)),
    async ({ name }, _start, _body, offset) => {
      offsets.set(name, offset)
    },
  )
  const image = findImage(scanned, archive.wantedTag)
  const layers = [...new Map(image.layers.map((layer) => [layer.file.name, layer])).values()]
  progress.expectLayers(layers.length)
  // The largest first: what is left at the end is short.
  const waiting = layers.toSorted((a, b) => a.file.sizeBytes - b.file.sizeBytes)
  const failure = new AbortController()
  const all = { ...archive, signal: AbortSignal.any([signal, failure.signal]) }
  const work = async (): Promise<void> => {
    for (let layer = waiting.pop(); layer !== undefined; layer = waiting.pop()) {
      all.signal.throwIfAborted()
      const offset = offsets.get(layer.file.name)
      // A document: those were shown to nobody.
      if (offset === undefined) throw notALayer(layer.file.name)
      await pushLayer(all, layer, offset)
    }
  }
  const workers = Array.from({ length: LAYERS_AT_ONCE }, async () => {
    // One layer that fails ends the others.
    await work().catch((error: unknown) => failure.abort(error))
  })
  await Promise.all(workers)
  all.signal.throwIfAborted()
  await stored.verify()
  return image
}

async function pushLayer(archive: StoredArchive, { file, diffId }: ImageLayer, offset: number) {
  const { pusher, pause, signal } = archive
  for (let attempt = 0; (await pusher.find(file)) === undefined; attempt += 1) {
    try {
      await pusher.push(file, checksummed(archive, offset, file.sizeBytes), diffId)
    } catch (error) {
      const pauseMs = OUTAGE_PAUSES_MS[attempt]
      if (pauseMs === undefined || !(error instanceof RegistryUnavailableError)) throw error
      await pause(pauseMs, signal)
    }
  }
}

async function* checksummed({ stored, progress, signal }: StoredArchive, offset: number, sizeBytes: number) {
  if (sizeBytes === 0) return
  let crc = 0
  let left = sizeBytes
  const bytes = inPieces(await stored.source.read(offset, sizeBytes))
  for await (const chunk of progress.counted(bytes, signal)) {
    crc = crc32(chunk, crc)
    left -= chunk.length
    yield chunk
  }
  if (left === 0) stored.coverage.add(offset, sizeBytes, crc)
}
