import { SAVE_AGAIN } from '../../archive/tar/tar-format-error.ts'
import { printable, quoted, someOf } from '../../contract/quoted.ts'
import { MAX_NAMED_LAYERS } from '../../contract/upload-limits.ts'
import type { PublishedLayer } from '../../upload/published-layer.ts'
import { type ArchiveFile, digestOfPlace, type ImageArchive } from './image-archive.ts'
import { type Candidate, listCandidates } from './list-candidates.ts'
import { type ImageConfig, imageConfigSchema } from './oci-documents.ts'
import { OciFormatError } from './oci-format-error.ts'

/** The platform of the machines that run tasks. */
const PLATFORM = 'linux/amd64'
const TAGS_SHOWN = 10
const PLATFORMS_SHOWN = 10
/** Maximum length of a platform name in a message; names with a variant are longest, such as `linux/arm64/v8`. */
const MAX_PLATFORM_LENGTH = 60
const MAX_LAYERS = MAX_NAMED_LAYERS

/** Layers that the archive may lack, by the digest of their file. `undefined`: the registry no longer has the layer. */
export type HeldLayers = ReadonlyMap<string, PublishedLayer | undefined>

/** A layer of an image, in the order of the config. */
export interface ImageLayer {
  /** File of the layer; several layers may share one. */
  readonly file: ArchiveFile
  /** `sha256:…` of the uncompressed tar. */
  readonly diffId: string
}

/** The image of an archive that tasks can run. */
export interface FoundImage {
  /** Unchanged bytes of the archive. */
  readonly config: Buffer
  readonly layers: readonly ImageLayer[]
}

interface SoundCandidate {
  readonly candidate: Candidate
  readonly found: FoundImage
}

/**
 * Finds the image of an archive that tasks can run. Of several, the one with the tag `repository:tag` is chosen, with
 * any registry host.
 * @throws OciFormatError
 */
export function findImage(archive: ImageArchive, wantedTag = '', held: HeldLayers = new Map()): FoundImage {
  const candidates = listCandidates(archive)
  const named = candidates.filter(({ tags }) => tags.some((tag) => isNamed(tag, wantedTag)))
  const configs = createConfigReader(archive)
  const sound: SoundCandidate[] = []
  const platforms = new Set<string>()
  const problems: OciFormatError[] = []
  for (const candidate of named.length > 0 ? named : candidates) {
    try {
      const config = configs.read(candidate.configName)
      const platform = config === undefined ? candidate.platform : platformOf(config.value, candidate)
      if (platform !== undefined && platform !== PLATFORM) platforms.add(platform)
      else if (config === undefined) problems.push(missing(candidate.configName, candidate.platform))
      else {
        const layers = findLayers({ archive, held }, candidate, config.value)
        sound.push({ candidate, found: { config: config.bytes, layers } })
      }
    } catch (error) {
      if (!(error instanceof OciFormatError)) throw error
      problems.push(error)
    }
  }
  if (sound[0] !== undefined) return onlyOne(sound, sound[0], wantedTag)
  throw problems[0] ?? noImage(platforms)
}

/** Reads each config once, even when several candidates share it. */
function createConfigReader(archive: ImageArchive) {
  const known = new Map<string, ReturnType<typeof read>>()
  const read = (name: string) => archive.read(name, imageConfigSchema)
  return {
    read(name: string) {
      if (!known.has(name)) known.set(name, read(name))
      return known.get(name)
    },
  }
}

function isNamed(tag: string, wanted: string): boolean {
  return tag === wanted || tag.endsWith(`/${wanted}`)
}

/** Returns the first if all are the same image, for several platforms or under several tags. */
function onlyOne(sound: readonly SoundCandidate[], first: SoundCandidate, wantedTag: string): FoundImage {
  const others = sound.filter(
    ({ candidate }) =>
      candidate.image !== first.candidate.image && candidate.configName !== first.candidate.configName,
  )
  if (others.length === 0) return first.found
  const tags = [first, ...others].map(({ candidate }) => candidate.tags[0] ?? 'untagged')
  const shown = someOf(
    tags.map((tag) => printable(tag)),
    TAGS_SHOWN,
  )
  throw new OciFormatError(
    'ambiguous',
    `the image archive contains ${tags.length} images for ${PLATFORM} (${shown}): save only one of them, or tag it ${wantedTag}`,
  )
}

function noImage(platforms: ReadonlySet<string>): OciFormatError {
  if (platforms.size === 0) {
    return new OciFormatError(
      'invalid-document',
      `the image archive has a manifest that names no image: ${SAVE_AGAIN}`,
    )
  }
  const shown = someOf(
    [...platforms].map((platform) => printable(platform, MAX_PLATFORM_LENGTH)),
    PLATFORMS_SHOWN,
  )
  return new OciFormatError(
    'wrong-platform',
    `the image archive contains an image for ${shown}; tasks run on ${PLATFORM}: build with --platform ${PLATFORM}`,
  )
}

function platformOf(config: ImageConfig, candidate: Candidate): string | undefined {
  if (!config.os && !config.architecture) return candidate.platform
  return `${config.os || 'linux'}/${config.architecture || 'amd64'}`
}

interface LayerPlaces {
  readonly archive: ImageArchive
  readonly held: HeldLayers
}

function findLayers(
  { archive, held }: LayerPlaces,
  candidate: Candidate,
  config: ImageConfig,
): readonly ImageLayer[] {
  if (candidate.foreignLayer !== undefined) {
    throw new OciFormatError(
      'foreign-layer',
      `the image has a foreign layer (${printable(candidate.foreignLayer)}), whose content is not in the archive: build the image on a base without foreign layers`,
    )
  }
  const diffIds = config.rootfs.diff_ids ?? []
  const names = candidate.layerNames
  if (names.length !== diffIds.length || names.length > MAX_LAYERS) {
    throw new OciFormatError(
      'invalid-document',
      `the image has ${names.length} layers and its config ${diffIds.length} diff ids; the numbers must be equal and at most ${MAX_LAYERS}: build it with fewer steps, and save it again`,
    )
  }
  if (!config.config?.Entrypoint?.length && !config.config?.Cmd?.length) {
    throw new OciFormatError(
      'no-command',
      'the image has neither entrypoint nor command, so there is nothing to run: set ENTRYPOINT or CMD',
    )
  }
  const diffIdByFile = new Map<string, string>()
  return diffIds.map((diffId, index) => {
    const name = names[index] ?? ''
    const file = archive.find(name) ?? heldFile(held, archive.target(name), diffId)
    if (file === undefined) throw missing(name)
    const other = diffIdByFile.get(file.name)
    if (other !== undefined && other !== diffId) {
      throw new OciFormatError(
        'digest-mismatch',
        `the file ${quoted(file.name)} is used for two different layers, ${other} and ${diffId}: ${SAVE_AGAIN}`,
      )
    }
    diffIdByFile.set(file.name, diffId)
    return { file, diffId }
  })
}

/**
 * Finds a layer that was left out: by the digest in its path or, for a plain tar, by its diff id, which is its digest.
 * @throws OciFormatError
 */
function heldFile(held: HeldLayers, name: string, diffId: string): ArchiveFile | undefined {
  const digest = [digestOfPlace(name), diffId].find((one) => one !== undefined && held.has(one))
  if (digest === undefined) return undefined
  const published = held.get(digest)
  if (published === undefined) throw layerGone(name)
  const { digest: blobDigest, sizeBytes } = published.layer
  return { name, sizeBytes, digest: blobDigest, held: published }
}

/** Error for a layer whose last task was deleted between the creation of the upload and the import. */
export function layerGone(name: string): OciFormatError {
  return new OciFormatError(
    'layer-gone',
    `the layer ${quoted(name)} was left out of the bundle, and the registry no longer has it: upload the bundle again, as a new upload`,
  )
}

/** Error for a file that the archive lacks; `platform` is the image's in an index, if there is one. */
function missing(name: string, platform?: string): OciFormatError {
  const [owner, hint] =
    platform === undefined
      ? ['', SAVE_AGAIN]
      : [` for ${platform}`, `pull or build it with --platform ${platform} before it is saved`]
  return new OciFormatError(
    'blob-missing',
    `the image archive lacks ${quoted(name)}, which its manifest or index names${owner}: ${hint}`,
  )
}
