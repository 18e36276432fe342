import { crc32 } from 'node:zlib'
import { walkTar } from '../archive/tar/read-tar.ts'
import { rangedInput } from '../archive/tar/tar-input.ts'
import { createCrcCoverage } from '../archive/zip/crc-coverage.ts'
import type { StoredEntry } from '../archive/zip/stored-entry.ts'
import { inPieces } from '../shared/in-pieces.ts'
import { mapUntilFailure } from '../shared/map-until-failure.ts'
import { retry } from '../shared/retry.ts'
import { createSemaphore, type Permit, type Semaphore } from '../shared/semaphore.ts'
import { type FoundImage, findImage, type ImageLayer } from './image/find-image.ts'
import { scanImageArchive } from './image/image-archive.ts'
import { MAGIC_BYTES, notALayer } from './image/layer-start.ts'
import { requireSameBytes } from './image/repeated-files.ts'
import { OUTAGE_PAUSES_MS } from './outage.ts'
import type { PushedArchive } from './pushed-archive.ts'
import { RegistryUnavailableError } from './registry/image-registry.ts'

interface StoredArchive extends PushedArchive {
  readonly stored: StoredEntry
}

/** Position of a file in the archive, and its first bytes. */
interface FilePlace {
  readonly offset: number
  readonly start: Buffer
}

interface ReadArchive extends StoredArchive {
  readonly readers: Semaphore
}

/**
 * Maximum number of layers that are read concurrently. Each needs a request and a decompressor with a window of up to
 * 32 MiB; more are not faster.
 */
const READ_AT_ONCE = 2
/** Maximum number of layers that are pushed concurrently: while the registry stores one, the next is read. */
const SENT_AT_ONCE = 4

/**
 * Pushes an image from an archive with random access: first its headers and documents are read, then its layers in
 * parallel, and at last the unread ranges for the checksum of the whole.
 */
export async function pushStoredArchive(archive: StoredArchive): Promise<FoundImage> {
  const { stored, progress, signal } = archive
  const places = new Map<string, FilePlace>()
  const scanned = await scanImageArchive(
    walkTar(rangedInput(stored.source, stored.coverage)),
    async ({ name }, start, _body, offset) => {
      places.set(name, { offset, start: Buffer.from(start.subarray(0, MAGIC_BYTES)) })
    },
  )
  if (scanned.repeated.size > 0) {
    const input = rangedInput(stored.source, createCrcCoverage())
    await requireSameBytes(scanned.repeated, walkTar(input))
  }
  const image = findImage(scanned, archive.wantedTag, archive.held)
  const layers = [...new Map(image.layers.map((layer) => [layer.file.name, layer])).values()]
  progress.expectLayers(layers.length)
  // The largest first, so that only small ones remain at the end.
  const bySize = layers
    .filter(({ file }) => file.held === undefined)
    .toSorted((a, b) => b.file.sizeBytes - a.file.sizeBytes)
  const readers = createSemaphore(READ_AT_ONCE)
  const push = async (layer: ImageLayer, layerSignal: AbortSignal): Promise<void> => {
    const place = places.get(layer.file.name)
    // JSON documents have no recorded position.
    if (place === undefined) throw notALayer(layer.file.name)
    await pushLayer({ ...archive, readers, signal: layerSignal }, layer, place)
  }
  await mapUntilFailure(bySize, push, { concurrency: SENT_AT_ONCE, signal })
  await stored.verify()
  return image
}

async function pushLayer(archive: ReadArchive, { file, diffId }: ImageLayer, place: FilePlace) {
  const { pusher, readers, pause, signal } = archive
  const pushOnce = async (): Promise<void> => {
    if ((await pusher.find(file)) !== undefined) return
    const reader = readers.permit()
    const bytes = checksummed(archive, place.offset, file.sizeBytes, reader)
    try {
      await pusher.push(file, { start: place.start, bytes }, diffId)
    } finally {
      reader.release()
    }
  }
  const isRetryable = (error: unknown): boolean => error instanceof RegistryUnavailableError
  await retry(pushOnce, { pausesMs: OUTAGE_PAUSES_MS, isRetryable, pause, signal })
}

/**
 * Reads a layer and computes its checksum. Waits for a permit before the first byte, after the registry has accepted
 * the push.
 */
async function* checksummed(
  { stored, progress, signal }: StoredArchive,
  offset: number,
  sizeBytes: number,
  reader: Permit,
) {
  await reader.acquire()
  try {
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
  } finally {
    reader.release()
  }
}
