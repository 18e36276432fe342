import type { ArchiveFile, ImageArchive } from './image-archive.ts'
import {
  dockerManifestSchema,
  type ImageConfig,
  imageConfigSchema,
  type LayerPlace,
  type OciDescriptor,
  ociIndexSchema,
  ociManifestSchema,
} from './oci-documents.ts'
import { OciFormatError } from './oci-format-error.ts'

/** What tasks run on. */
const PLATFORM = 'linux/amd64'
/** An index in an index in index.json is what builders write; a document cannot contain itself, so more is play. */
const MAX_INDEX_DEPTH = 4
/** Platforms times attestations of the largest official images are below 100. */
const MAX_CANDIDATES = 500
const TAGS_SHOWN = 10
/** What engines can stack (overlayfs). */
const MAX_LAYERS = 127

/** One layer of an image, in the order of the config. */
export interface ImageLayer {
  /** Where its bytes lie; several layers may share a file. */
  readonly file: ArchiveFile
  /** `sha256:…` of the uncompressed tar. */
  readonly diffId: string
}

/** The image in an archive that tasks can run. */
export interface FoundImage {
  /** Byte for byte as in the archive. */
  readonly config: Buffer
  readonly layers: readonly ImageLayer[]
}

/** An image that the archive names, by the files in it. */
interface Candidate {
  readonly configName: string
  readonly layerNames: readonly string[]
  /** What an index says of it; the config knows better. */
  readonly platform?: string
  /** Media type of a layer that is not like the others. */
  readonly foreignLayer?: string
  /** What it is called; the platforms of one image share its names. */
  readonly tags: readonly string[]
  /** Number of the image among those that the archive names. */
  readonly image: number
}

interface SoundCandidate {
  readonly candidate: Candidate
  readonly found: FoundImage
}

/**
 * Finds the image of an archive: by `manifest.json` when there is one (all writers fill it rightly, while some Docker
 * versions wrote broken indexes beside it, moby#47065), else by `index.json` and what it points at, attestations left out.
 * Of several images the one is taken that is tagged as wanted (`repository:tag`, whatever the registry before it).
 * @throws OciFormatError
 */
export function findImage(archive: ImageArchive, wantedTag = ''): FoundImage {
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
        const layers = findLayers(archive, candidate, config.value)
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

/** Reads each config once, however many candidates share it. */
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

/** Of one image (several platforms alike, or under several tags) the first is as good as any. */
function onlyOne(sound: readonly SoundCandidate[], first: SoundCandidate, wantedTag: string): FoundImage {
  const others = sound.filter(
    ({ candidate }) =>
      candidate.image !== first.candidate.image && candidate.configName !== first.candidate.configName,
  )
  if (others.length === 0) return first.found
  const tags = [first, ...others].map(({ candidate }) => candidate.tags[0] ?? 'untagged')
  const shown = tags.slice(0, TAGS_SHOWN).map((tag) => tag.slice(0, 200))
  throw new OciFormatError(
    'ambiguous',
    `the image archive holds ${tags.length} images for ${PLATFORM} (${shown.join(', ')}${tags.length > TAGS_SHOWN ? ', …' : ''}): save the one that is meant alone, or tag it ${wantedTag}`,
  )
}

function noImage(platforms: ReadonlySet<string>): OciFormatError {
  if (platforms.size === 0) {
    return new OciFormatError('invalid-document', 'the image archive has a manifest but names no image in it')
  }
  return new OciFormatError(
    'wrong-platform',
    `the image archive holds an image for ${[...platforms].join(', ')}; tasks run on ${PLATFORM}: build with --platform ${PLATFORM}`,
  )
}

function listCandidates(archive: ImageArchive): readonly Candidate[] {
  const docker = archive.read('manifest.json', dockerManifestSchema)
  if (docker !== undefined && docker.value.length > 0) {
    return bounded(docker.value).map(({ Config, Layers, LayerSources, RepoTags }, image) => ({
      configName: Config,
      layerNames: Layers ?? [],
      ...foreignAmong(Object.values(LayerSources ?? {})),
      tags: RepoTags ?? [],
      image,
    }))
  }
  const index = archive.read('index.json', ociIndexSchema)
  if (index !== undefined) {
    const walk: IndexWalk = { archive, known: new Map() }
    return bounded(
      bounded(index.value.manifests ?? []).flatMap((descriptor, image) =>
        walkIndex(walk, [descriptor], 1).map((found) => ({ ...found, tags: tagsOf(descriptor), image })),
      ),
    )
  }
  if (docker !== undefined) return []
  throw new OciFormatError(
    'manifest-missing',
    'the image archive has neither manifest.json nor index.json; make it with "docker save" or as an OCI layout',
  )
}

type IndexedImage = Omit<Candidate, 'tags' | 'image'>

/** What a blob that an index points at leads to. */
interface Pointed {
  readonly isIndex: boolean
  readonly images: readonly IndexedImage[]
}

interface IndexWalk {
  readonly archive: ImageArchive
  /** Each blob is read once: indexes that name each other's children a thousand times cost no more than their bytes. */
  readonly known: Map<string, Pointed>
}

function walkIndex(
  walk: IndexWalk,
  descriptors: readonly OciDescriptor[],
  depth: number,
): readonly IndexedImage[] {
  const images: IndexedImage[] = []
  for (const descriptor of descriptors) {
    if (isAttestation(descriptor)) continue
    const name = blobName(descriptor)
    const pointed = walk.known.get(name) ?? readPointed(walk, name, depth)
    walk.known.set(name, pointed)
    const { platform } = descriptor
    const label = platform && !pointed.isIndex ? { platform: `${platform.os}/${platform.architecture}` } : {}
    images.push(...pointed.images.map((image) => ({ ...image, ...label })))
    bounded(images)
  }
  return images
}

function bounded<Item>(items: readonly Item[]): readonly Item[] {
  if (items.length <= MAX_CANDIDATES) return items
  throw new OciFormatError('limit-exceeded', `the image archive names over ${MAX_CANDIDATES} images`)
}

function readPointed(walk: IndexWalk, name: string, depth: number): Pointed {
  const { archive } = walk
  // An engine saves only the platforms it has, while the index still names all.
  if (archive.find(name) === undefined) {
    return { isIndex: false, images: [{ configName: name, layerNames: [] }] }
  }
  // Told by content: writers set media types carelessly.
  const nested = archive.read(name, ociIndexSchema)?.value.manifests
  if (nested != null) {
    if (depth >= MAX_INDEX_DEPTH) {
      throw new OciFormatError('limit-exceeded', 'the indexes of the image archive are nested too deep')
    }
    return { isIndex: true, images: walkIndex(walk, nested, depth + 1) }
  }
  const manifest = archive.read(name, ociManifestSchema)?.value
  if (manifest === undefined) return { isIndex: false, images: [] }
  const layers = manifest.layers ?? []
  const image = {
    configName: blobName(manifest.config),
    layerNames: layers.map(blobName),
    ...foreignAmong(layers),
  }
  return { isIndex: false, images: [image] }
}

/** By what the OCI and the Docker specification call such layers, or by where their bytes are said to lie. */
function foreignAmong(layers: readonly LayerPlace[]): Pick<Candidate, 'foreignLayer'> {
  const isForeign = ({ mediaType, urls }: LayerPlace): boolean =>
    /\.foreign\.|\.nondistributable\./u.test(mediaType ?? '') || (urls ?? []).length > 0
  const foreign = layers.find(isForeign)
  return foreign === undefined ? {} : { foreignLayer: foreign.mediaType ?? 'without media type' }
}

function tagsOf({ annotations }: OciDescriptor): string[] {
  const names = ['io.containerd.image.name', 'org.opencontainers.image.ref.name']
  return names.flatMap((name) => annotations?.[name] ?? [])
}

/** Provenance and SBOM lie beside the image as manifests of their own. */
function isAttestation({ annotations, platform }: OciDescriptor): boolean {
  return (
    annotations?.['vnd.docker.reference.type'] !== undefined ||
    (platform?.os === 'unknown' && platform.architecture === 'unknown')
  )
}

function blobName(descriptor: OciDescriptor): string {
  return `blobs/${descriptor.digest.replace(':', '/')}`
}

function platformOf(config: ImageConfig, candidate: Candidate): string | undefined {
  if (!config.os && !config.architecture) return candidate.platform
  return `${config.os || 'linux'}/${config.architecture || 'amd64'}`
}

function findLayers(archive: ImageArchive, candidate: Candidate, config: ImageConfig): readonly ImageLayer[] {
  if (candidate.foreignLayer !== undefined) {
    throw new OciFormatError(
      'foreign-layer',
      `the image has a foreign layer (${candidate.foreignLayer.slice(0, 200)}), whose bytes would have to come from elsewhere: build the image on a base that has none`,
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
    const file = archive.find(name)
    if (file === undefined) throw missing(name)
    const other = diffIdByFile.get(file.name)
    if (other !== undefined && other !== diffId) {
      throw new OciFormatError(
        'digest-mismatch',
        `the file ${file.name} is named for two different layers, ${other} and ${diffId}: save the image again`,
      )
    }
    diffIdByFile.set(file.name, diffId)
    return { file, diffId }
  })
}

function missing(name: string, platform?: string): OciFormatError {
  const [owner, hint] =
    platform === undefined
      ? ['', 'save the image again']
      : [` for ${platform}`, `pull or build it with --platform ${platform} before it is saved`]
  return new OciFormatError(
    'blob-missing',
    `the image archive lacks ${JSON.stringify(name.slice(0, 200))}, which its manifest or index names${owner}: ${hint}`,
  )
}
