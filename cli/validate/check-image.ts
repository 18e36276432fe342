import { runConfigSchema } from '../../local/embedded/image-config.ts'
import { TarFormatError } from '../../src/archive/tar/tar-format-error.ts'
import { ZipFormatError } from '../../src/archive/zip/zip-format-error.ts'
import {
  createHeaderWalk,
  type MountPointFacts,
  requireMountable,
  scanMountPoints,
} from '../../src/import/image/mount-points.ts'
import { OciFormatError } from '../../src/import/image/oci-format-error.ts'
import type { ImageSize } from '../../src/run/job/job-size.ts'
import type { ByteSource } from '../../src/shared/byte-source.ts'
import { createImageTree } from '../image/image-tree.ts'
import { type OpenImage, type OpenLayer, openImage, readLayer } from '../image/open-image.ts'
import { checkEntrypoint } from './check-entrypoint.ts'
import { type Finding, problem } from './finding.ts'

export interface ImageCheck {
  readonly source: ByteSource
  /** Name of the image, if the archive has several. */
  readonly wantedTag: string
  /** Absolute mount points of the run's folders. */
  readonly mountPoints: readonly string[]
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

/** Checks an image archive like an import, and whether its command can start. Reads every layer once, in constant memory. */
export async function checkImage({ source, wantedTag, mountPoints }: ImageCheck): Promise<CheckedImage> {
  try {
    return await checkOpened(await openImage(source, wantedTag), mountPoints)
  } catch (error) {
    return { findings: [findingOf(error)] }
  }
}

async function checkOpened(image: OpenImage, mountPoints: readonly string[]): Promise<CheckedImage> {
  const tree = createImageTree()
  const facts: MountPointFacts[] = []
  const unpacked = new Map<string, number>()
  const findings: Finding[] = []
  for (const [index, layer] of image.layers.entries()) {
    const scan = scanMountPoints(mountPoints)
    const walk = createHeaderWalk((header) => tree.add(header, index))
    try {
      unpacked.set(layer.name, await readLayer(layer, both(scan.take, walk)))
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
  // A damaged layer may contain the missing file, so the command is not checked.
  const isWhole = facts.length === image.layers.length
  if (isWhole) findings.push(...(await checkEntrypoint({ config, tree, layers: image.layers, mountPoints })))
  return { findings, ...sizesOf(image.layers, unpacked) }
}

function both(...takers: readonly ((chunk: Uint8Array) => void)[]): (chunk: Uint8Array) => void {
  return (chunk) => {
    for (const take of takers) take(chunk)
  }
}

function sizesOf(layers: readonly OpenLayer[], unpacked: ReadonlyMap<string, number>) {
  const distinct = [...new Map(layers.map((layer) => [layer.name, layer])).values()]
  const rows = distinct.map(({ name, diffId, source }) => {
    return { diffId, sizeBytes: source.sizeBytes, unpackedBytes: unpacked.get(name) ?? 0 }
  })
  const sum = (of: 'sizeBytes' | 'unpackedBytes') => rows.reduce((total, row) => total + row[of], 0)
  return { layers: rows, size: { packedBytes: sum('sizeBytes'), unpackedBytes: sum('unpackedBytes') } }
}

/** @throws the error when it is not about the archive */
function findingOf(error: unknown): Finding {
  const isOfArchive =
    error instanceof OciFormatError || error instanceof TarFormatError || error instanceof ZipFormatError
  if (!isOfArchive) throw error
  return problem('image', error.message)
}
