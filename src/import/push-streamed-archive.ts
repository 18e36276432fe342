import { readTar } from '../archive/tar/read-tar.ts'
import type { Pause } from '../shared/retry.ts'
import { untilAborted } from '../shared/until-aborted.ts'
import { type FoundImage, findImage, type HeldLayers } from './image/find-image.ts'
import { scanImageArchive, type TakeFile } from './image/image-archive.ts'
import { looksLikeLayer, notALayer } from './image/layer-start.ts'
import { OciFormatError } from './image/oci-format-error.ts'
import { requireSameBytes } from './image/repeated-files.ts'
import type { LayerPusher } from './layer-pusher.ts'
import { OUTAGE_PAUSES_MS } from './outage.ts'
import type { PushProgress } from './push-progress.ts'
import { RegistryUnavailableError } from './registry/image-registry.ts'

interface StreamedArchive {
  /** The archive from its start, as often as it is called. */
  readonly open: () => AsyncIterable<Uint8Array>
  /** Of the image that is meant, where the archive holds several. */
  readonly wantedTag: string
  readonly held: HeldLayers
  readonly pusher: LayerPusher
  readonly progress: PushProgress
  readonly pause: Pause
  readonly signal: AbortSignal
}

/** More than an image has: an archive with more files that look like layers is read again for those that are. */
const MAX_GUESSES = 200
/** While the next layers are read, the last ones are still on their way; what they hold is bounded by the pusher. */
const PUSHES_AT_ONCE = 4
/** So many layers in one pass that do not get through: the registry is away, and reading on would be for nothing. */
const MAX_BROKEN = 3

/**
 * Sends an image out of an archive that comes from front to back, its manifest perhaps at the end: in the first pass
 * everything that looks like a layer, in later ones only what is still wanted. The archive is read to its end, so that its
 * own checksum is compared before anything is published.
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
  /** Undefined when the registry is away and the archive was not read to its end. */
  readonly found: FoundImage | undefined
  /** Files that look like layers and are none: no harm unless the image names them. */
  readonly refused: ReadonlyMap<string, OciFormatError>
  /** Why some layer did not get through. */
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
    const { bytes, ended } = endTold(body)
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

/** Tells when all bytes were read or nobody reads on, which is before they have arrived where they go. */
function endTold(body: AsyncIterable<Uint8Array>) {
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
