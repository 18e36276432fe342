import { SAVE_AGAIN } from '../../archive/tar/tar-format-error.ts'
import type { ImageArchive } from './image-archive.ts'
import {
  dockerManifestSchema,
  type LayerPlace,
  type OciDescriptor,
  ociIndexSchema,
  ociManifestSchema,
} from './oci-documents.ts'
import { OciFormatError } from './oci-format-error.ts'

/** Builders write an index within an index within index.json; deeper nesting is hostile. */
const MAX_INDEX_DEPTH = 4
/** The largest official images have fewer than 100 manifests, attestations included. */
const MAX_CANDIDATES = 500

/** An image that the archive names, with the names of its files. */
export interface Candidate {
  readonly configName: string
  readonly layerNames: readonly string[]
  /** Platform in the index; the config takes precedence. */
  readonly platform?: string
  /** Media type of a layer whose content is not in the archive. */
  readonly foreignLayer?: string
  /** Tags; the platforms of one image share them. */
  readonly tags: readonly string[]
  /** Number of the image within the archive. */
  readonly image: number
}

/**
 * Lists the images of an archive: those of `manifest.json` when there is one, otherwise those of `index.json` without
 * attestations. `manifest.json` takes precedence because some Docker versions wrote broken indexes (moby/moby#47065).
 * @throws OciFormatError
 */
export function listCandidates(archive: ImageArchive): readonly Candidate[] {
  const docker = archive.read('manifest.json', dockerManifestSchema)
  if (docker !== undefined && docker.value.length > 0) {
    return bounded(docker.value).map(({ Config, Layers, LayerSources, RepoTags }, image) => ({
      configName: Config,
      layerNames: Layers ?? [],
      ...foreignAmong(LayerSources ?? []),
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
    'the image archive has neither manifest.json nor index.json: make it with docker save, podman save or as an OCI layout',
  )
}

type IndexedImage = Omit<Candidate, 'tags' | 'image'>

/** Images that a blob contains or refers to. */
interface Pointed {
  readonly isIndex: boolean
  readonly images: readonly IndexedImage[]
}

interface IndexWalk {
  readonly archive: ImageArchive
  /** Cache by blob, so that indexes that share children cost no more than their bytes. */
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
  throw new OciFormatError(
    'limit-exceeded',
    `the image archive names over ${MAX_CANDIDATES} images: save one of them only`,
  )
}

function readPointed(walk: IndexWalk, name: string, depth: number): Pointed {
  const { archive } = walk
  // Container engines save only the platforms that they have pulled, but the index still names all.
  if (archive.find(name) === undefined) {
    return { isIndex: false, images: [{ configName: name, layerNames: [] }] }
  }
  // Detected by content: media types are unreliable.
  const nested = archive.read(name, ociIndexSchema)?.value.manifests
  if (nested != null) {
    if (depth >= MAX_INDEX_DEPTH) {
      throw new OciFormatError(
        'limit-exceeded',
        `the indexes of the image archive are nested too deep, over ${MAX_INDEX_DEPTH} times: ${SAVE_AGAIN}`,
      )
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

/** Detects foreign layers by the media types of OCI and Docker, or by their `urls`. */
function foreignAmong(layers: readonly LayerPlace[]): Pick<Candidate, 'foreignLayer'> {
  const isForeign = ({ mediaType, urls }: LayerPlace): boolean =>
    /\.foreign\.|\.nondistributable\./u.test(mediaType ?? '') || (urls ?? []).length > 0
  const foreign = layers.find(isForeign)
  return foreign === undefined ? {} : { foreignLayer: foreign.mediaType ?? 'without media type' }
}

function tagsOf({ annotations }: OciDescriptor): string[] {
  const names = ['io.containerd.image.name', 'org.opencontainers.image.ref.name'] as const
  return names.flatMap((name) => annotations?.[name] ?? [])
}

/** Whether a descriptor refers to provenance or an SBOM, whose manifests are beside the image's. */
function isAttestation({ annotations, platform }: OciDescriptor): boolean {
  return (
    annotations?.['vnd.docker.reference.type'] !== undefined ||
    (platform?.os === 'unknown' && platform.architecture === 'unknown')
  )
}

function blobName(descriptor: OciDescriptor): string {
  return `blobs/${descriptor.digest.replace(':', '/')}`
}
