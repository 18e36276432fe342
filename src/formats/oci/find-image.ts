import type { ArchiveFile, ImageArchive } from './image-archive.ts'
import {
  dockerManifestSchema,
  type ImageConfig,
  imageConfigSchema,
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
}

/**
 * Finds the image of an archive: by `manifest.json` when there is one (all writers fill it rightly, while some Docker
 * versions wrote broken indexes beside it, moby#47065), else by `index.json` and what it points at, attestations left out.
 * @throws OciFormatError
 */
export function findImage(archive: ImageArchive): FoundImage {
  const candidates = [...listCandidates(archive)]
  const platforms = new Set<string>()
  const problems: OciFormatError[] = []
  for (const candidate of candidates) {
    try {
      const config = archive.read(candidate.configName, imageConfigSchema)
      const platform = config === undefined ? candidate.platform : platformOf(config.value, candidate)
      if (platform !== undefined && platform !== PLATFORM) platforms.add(platform)
      else if (config === undefined) problems.push(missing(candidate.configName))
      else return { config: config.bytes, layers: findLayers(archive, candidate, config.value) }
    } catch (error) {
      if (!(error instanceof OciFormatError)) throw error
      problems.push(error)
    }
  }
  if (problems[0] !== undefined) throw problems[0]
  if (platforms.size === 0) {
    throw new OciFormatError('invalid-document', 'the image archive has a manifest but names no image in it')
  }
  throw new OciFormatError(
    'wrong-platform',
    `the image archive holds an image for ${[...platforms].join(', ')}; tasks run on ${PLATFORM}: build with --platform ${PLATFORM}`,
  )
}

function listCandidates(archive: ImageArchive): readonly Candidate[] {
  const docker = archive.read('manifest.json', dockerManifestSchema)
  if (docker !== undefined && docker.value.length > 0) {
    return docker.value.map((image) => ({ configName: image.Config, layerNames: image.Layers ?? [] }))
  }
  const index = archive.read('index.json', ociIndexSchema)
  if (index !== undefined) return walkIndex(archive, index.value.manifests ?? [], 1)
  if (docker !== undefined) return []
  throw new OciFormatError(
    'manifest-missing',
    'the image archive has neither manifest.json nor index.json; make it with "docker save" or as an OCI layout',
  )
}

function walkIndex(
  archive: ImageArchive,
  descriptors: readonly OciDescriptor[],
  depth: number,
): readonly Candidate[] {
  const candidates: Candidate[] = []
  for (const descriptor of descriptors) {
    if (isAttestation(descriptor)) continue
    candidates.push(...expand(archive, descriptor, depth))
    if (candidates.length > MAX_CANDIDATES) {
      throw new OciFormatError('limit-exceeded', `the image archive names over ${MAX_CANDIDATES} images`)
    }
  }
  return candidates
}

function expand(archive: ImageArchive, descriptor: OciDescriptor, depth: number): readonly Candidate[] {
  const name = blobName(descriptor)
  const platform = descriptor.platform
  const label = platform ? { platform: `${platform.os}/${platform.architecture}` } : {}
  // An engine saves only the platforms it has, while the index still names all.
  if (archive.find(name) === undefined) return [{ configName: name, layerNames: [], ...label }]
  // Told by content: writers set media types carelessly.
  const nested = archive.read(name, ociIndexSchema)?.value.manifests
  if (nested != null) {
    if (depth >= MAX_INDEX_DEPTH) {
      throw new OciFormatError('limit-exceeded', 'the indexes of the image archive are nested too deep')
    }
    return walkIndex(archive, nested, depth + 1)
  }
  const manifest = archive.read(name, ociManifestSchema)?.value
  if (manifest === undefined) return []
  return [
    { configName: blobName(manifest.config), layerNames: (manifest.layers ?? []).map(blobName), ...label },
  ]
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
  const diffIds = config.rootfs.diff_ids ?? []
  const names = candidate.layerNames
  if (names.length !== diffIds.length || names.length > MAX_LAYERS) {
    throw new OciFormatError(
      'invalid-document',
      `the image has ${names.length} layers and its config ${diffIds.length} diff ids; the numbers must be equal and at most ${MAX_LAYERS}`,
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
      throw new OciFormatError('digest-mismatch', `${file.name} cannot be both ${other} and ${diffId}`)
    }
    diffIdByFile.set(file.name, diffId)
    return { file, diffId }
  })
}

function missing(name: string): OciFormatError {
  return new OciFormatError(
    'blob-missing',
    `the image archive lacks ${JSON.stringify(name.slice(0, 200))}, which its manifest or index names`,
  )
}
