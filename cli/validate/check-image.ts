import { runConfigSchema } from '../../local/embedded/image-config.ts'
import { TarFormatError } from '../../src/archive/tar/tar-format-error.ts'
import { ZipFormatError } from '../../src/archive/zip/zip-format-error.ts'
import {
  type MountPointFacts,
  requireMountable,
  scanMountPoints,
} from '../../src/import/image/mount-points.ts'
import { OciFormatError } from '../../src/import/image/oci-format-error.ts'
import type { ImageSize } from '../../src/run/job/job-size.ts'
import type { ByteSource } from '../../src/shared/byte-source.ts'
import { createImageTree } from '../image/image-tree.ts'
import { createLayerFaults } from '../image/layer-faults.ts'
import type { LayerMemory } from '../image/layer-memory.ts'
import { createLayerReader } from '../image/layer-reader.ts'
import { type OpenImage, type OpenLayer, openImage } from '../image/open-image.ts'
import { checkEntrypoint } from './check-entrypoint.ts'
import { checkWorkingDirectory } from './check-working-directory.ts'
import { type Finding, problem } from './finding.ts'

/** How an image is checked. */
interface CheckOptions {
  /** Absolute mount points of the run's folders. */
  readonly mountPoints: readonly string[]
  readonly layers?: LayerMemory | undefined
}

export interface ImageCheck extends CheckOptions {
  readonly source: ByteSource
  /** Name of the image, if the archive has several. */
  readonly wantedTag: string
}

/** Findings about an image archive; size and layers are set only for a readable one. */
export interface CheckedImage {
  readonly findings: readonly Finding[]
  readonly size?: ImageSize
  readonly layers?: readonly {
    readonly diffId: string
    readonly sizeBytes: number
    readonly unpackedBytes: number
  }[]
}

/**
 * Checks an image archive as an import does, whether container engines can unpack it, and whether its command can start. Reads each layer
 * once, unless it is remembered.
 */
export async function checkImage({ source, wantedTag, ...options }: ImageCheck): Promise<CheckedImage> {
  try {
    return await checkOpenedImage(await openImage(source, wantedTag), options)
  } catch (error) {
    return { findings: [findingOf(error)] }
  }
}

/** {@link checkImage} for an image whose archive is open. */
export async function checkOpenedImage(
  image: OpenImage,
  { mountPoints, layers }: CheckOptions,
): Promise<CheckedImage> {
  const tree = createImageTree()
  const reader = createLayerReader(image.layers, layers)
  const facts: MountPointFacts[] = []
  const unpacked = new Map<string, number>()
  const findings: Finding[] = []
  for (const [index, layer] of image.layers.entries()) {
    const scan = scanMountPoints(mountPoints)
    const faults = createLayerFaults(tree, index, layer.name)
    try {
      const unpackedBytes = await reader.read(index, (entry) => {
        scan.takeEntry(entry)
        faults.add(entry)
      })
      if (!unpacked.has(layer.name))
        findings.push(...faults.messages().map((words) => problem('image', words)))
      unpacked.set(layer.name, unpackedBytes)
      facts.push(scan.facts())
    } catch (error) {
      findings.push(findingOf(error))
    }
  }
  try {
    requireMountable(mountPoints, facts)
  } catch (error) {
    findings.push(findingOf(error))
  }
  const config = runConfigSchema.parse(JSON.parse(image.config.toString()))
  // The command is not checked if a layer is damaged: its file may be in that layer.
  const isWhole = facts.length === image.layers.length
  if (isWhole) {
    const { programOf, textOf } = reader
    const read = { config, tree, programOf, textOf, mountPoints }
    findings.push(...checkWorkingDirectory(read), ...(await checkEntrypoint(read)))
  }
  await reader.remember()
  return { findings, ...sizesOf(image.layers, unpacked) }
}

function sizesOf(layers: readonly OpenLayer[], unpacked: ReadonlyMap<string, number>) {
  const distinct = [...new Map(layers.map((layer) => [layer.name, layer])).values()]
  const rows = distinct.map(({ name, diffId, source }) => {
    return { diffId, sizeBytes: source.sizeBytes, unpackedBytes: unpacked.get(name) ?? 0 }
  })
  const sum = (of: 'sizeBytes' | 'unpackedBytes') => rows.reduce((total, row) => total + row[of], 0)
  return { layers: rows, size: { packedBytes: sum('sizeBytes'), unpackedBytes: sum('unpackedBytes') } }
}

/** @throws `error` when it is not about the archive */
function findingOf(error: unknown): Finding {
  const isOfArchive =
    error instanceof OciFormatError || error instanceof TarFormatError || error instanceof ZipFormatError
  if (!isOfArchive) throw error
  return problem('image', error.message)
}
