import { readTar } from '../archive/tar/read-tar.ts'
import { untilAborted } from '../shared/until-aborted.ts'
import { type FoundImage, findImage } from './image/find-image.ts'
import { scanImageArchive, type TakeFile } from './image/image-archive.ts'
import { looksLikeLayer, notALayer } from './image/layer-start.ts'
import { OciFormatError } from './image/oci-format-error.ts'
import { requireSameBytes } from './image/repeated-files.ts'
import { OUTAGE_PAUSES_MS } from './outage.ts'
import type { PushedArchive } from './pushed-archive.ts'
import { RegistryUnavailableError } from './registry/image-registry.ts'

interface StreamedArchive extends PushedArchive {
  /** Opens the archive from its start; called for each pass. */
  readonly open: () => AsyncIterable<Uint8Array>
}

/**
 * Maximum number of files that one pass pushes because they look like layers. An archive with more is read again for its actual
 * layers.
 */
const MAX_GUESSES = 200
/** Maximum number of layers that are pushed concurrently; the pusher bounds their memory. */
const PUSHES_AT_ONCE = 4
/** Number of failed pushes that ends a pass: the registry is unavailable, so the rest of the archive is not read. */
const MAX_BROKEN = 3

/**
 * Pushes an image from an archive that is read front to back, possibly with its manifest at the end. The first pass
 * pushes whatever looks like a layer, later passes only missing layers. The archive is read to its end, so that its
 * checksum is verified before publication.
 */
export async function pushStreamedArchive(archive: StreamedArchive): Promise<FoundImage> {
  let image: FoundImage | undefined
  for (let pass = 0; ; pass += 1) {
    const { found, refused, broken } = await readOnce(archive, image)
    image = found ?? image
    if (image !== undefined) {
      archive.progress.expectLayers(new Set(image.layers.map(({ file }) => file.name)).size)
      const missing = await missingLayers(archive, image)
      const [refusal] = missing.flatMap(({ file }) => refused.get(file.name) ?? [])
      if (refusal !== undefined) throw refusal
      const [first] = missing
      if (first === undefined) return image
      if (pass === OUTAGE_PAUSES_MS.length) throw broken ?? notALayer(first.file.name)
    }
    const pauseMs = OUTAGE_PAUSES_MS[pass]
    if (pauseMs === undefined) throw broken
    if (broken !== undefined) await archive.pause(pauseMs, archive.signal)
  }
}

interface Pass {
  /** Undefined when the registry was unavailable and the archive was not read completely. */
  readonly found: FoundImage | undefined
  /** Files that look like layers but are invalid; an error only when the image names them. */
  readonly refused: ReadonlyMap<string, OciFormatError>
  /** The first failure of a push that may succeed in another pass. */
  readonly broken: RegistryUnavailableError | undefined
}

async function readOnce(archive: StreamedArchive, image: FoundImage | undefined): Promise<Pass> {
  const { open, pusher, progress, signal } = archive
  const diffIds = image && new Map(image.layers.map(({ file, diffId }) => [file.name, diffId]))
  const refused = new Map<string, OciFormatError>()
  const broken: RegistryUnavailableError[] = []
  const underWay = new Set<Promise<void>>()
  let fatal: { readonly error: unknown } | undefined
  let guesses = 0

  const note = (name: string, error: unknown): void => {
    if (error instanceof OciFormatError && error.code !== 'image-too-large') refused.set(name, error)
    else if (error instanceof RegistryUnavailableError && broken.length < MAX_BROKEN) broken.push(error)
    else fatal ??= { error }
  }
  const isWanted = (name: string, start: Buffer): boolean => {
    if (diffIds !== undefined) return diffIds.has(name)
    if (!looksLikeLayer(start) || guesses >= MAX_GUESSES) return false
    guesses += 1
    return true
  }
  const take: TakeFile = async (file, start, body) => {
    if (fatal !== undefined) throw fatal.error
    if (!isWanted(file.name, start) || (await pusher.find(file)) !== undefined) return
    if (diffIds === undefined) progress.expectLayers(guesses)
    const { bytes, ended } = observeEnd(body)
    const push = pusher
      .push(file, { start, bytes }, diffIds?.get(file.name))
      .catch((error: unknown) => note(file.name, error))
      .finally(() => underWay.delete(push))
    underWay.add(push)
    await Promise.race([ended, push])
    while (underWay.size >= PUSHES_AT_ONCE) await Promise.race(underWay)
  }

  try {
    const scanned = await scanImageArchive(readTar(progress.counted(open(), signal)), take)
    await Promise.all(underWay)
    if (fatal !== undefined) throw (fatal as { readonly error: unknown }).error
    if (scanned.repeated.size > 0 && image === undefined) {
      await requireSameBytes(scanned.repeated, readTar(untilAborted(open(), signal)))
    }
    return { found: image ?? findImage(scanned, archive.wantedTag, archive.held), refused, broken: broken[0] }
  } catch (error) {
    if (!(error instanceof RegistryUnavailableError)) throw error
    return { found: undefined, refused, broken: error }
  } finally {
    await Promise.all(underWay)
  }
}

async function missingLayers({ pusher }: StreamedArchive, { layers }: FoundImage) {
  const missing: FoundImage['layers'][number][] = []
  const sent = layers.filter(({ file }) => file.held === undefined)
  for (const layer of sent) if ((await pusher.find(layer.file)) === undefined) missing.push(layer)
  return missing
}

/** `ended` resolves when all bytes were read or the reader stopped, which is before they reached the registry. */
function observeEnd(body: AsyncIterable<Uint8Array>) {
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* body
    } finally {
      resolve()
    }
  }
  return { bytes: bytes(), ended }
}
