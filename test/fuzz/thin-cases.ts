import type { NamedLayer } from '../../src/upload/upload.ts'
import {
  aDescriptorText,
  type Compression,
  compressLayer,
  digestOf,
  type FileEntry,
  packTar,
} from '../fixtures/bundle-builder.ts'
import { blobName } from '../fixtures/oci-layout.ts'
import { rawZip } from '../fixtures/raw-zip.ts'
import type { Random } from './random.ts'

/** A bundle that lacks some layers, and an earlier bundle that contains them. */
export interface ThinCase {
  readonly bundle: Buffer
  readonly before: Buffer
  /** Layers as the service has named them to the client; in some cases altered, as another client might. */
  readonly namedLayers: readonly NamedLayer[]
  /** Whether the registry has lost the layer with this digest since. */
  readonly isLost: (digest: string) => boolean
}

interface Material {
  readonly layers: readonly Buffer[]
  readonly archive: (bodies: readonly Buffer[], diffIds: readonly string[]) => FileEntry[]
}

const COMPRESSIONS: readonly [Compression, ...Compression[]] = ['none', 'gzip', 'gzip', 'zstd']
const NAMESPACES: readonly [string, ...string[]] = ['com.example.before', 'com.example.other']

/** Creates a case that depends only on the random choices. */
export async function makeThinCase(random: Random, { layers, archive }: Material): Promise<ThinCase> {
  const compress = (): Buffer[] => layers.map((layer) => compressLayer(layer, random.pick(COMPRESSIONS)))
  const diffIds = layers.map(digestOf)
  const [before, bodies] = [compress(), compress()]
  const named = [...bodies, ...(random.chance(0.2) ? [...before, ...layers] : [])]
  const namedLayers = named.map((body) => ({
    digest: random.chance(0.05) ? digestOf('unknown') : digestOf(body),
    size: random.chance(0.05) ? random.below(2000) : body.length,
    held: random.chance(0.9),
  }))
  const left = new Set(bodies.flatMap((body) => (random.chance(0.7) ? [blobName(digestOf(body))] : [])))
  const files = archive(bodies, random.chance(0.1) ? diffIds.toReversed() : diffIds)
  const lostAt = random.chance(0.15) ? random.below(16) : -1
  return {
    before: await aBundle(archive(before, diffIds), 'com.example.before', '1.0.0'),
    bundle: await aBundle(
      files.filter(({ name }) => !left.has(name)),
      random.pick(NAMESPACES),
      '2.0.0',
      random.pick([0, 0, 8]),
    ),
    namedLayers,
    isLost: (digest) => Number.parseInt(digest.slice(-1), 16) === lostAt || lostAt === 0,
  }
}

async function aBundle(
  files: readonly FileEntry[],
  namespace: string,
  version: string,
  method = 0,
): Promise<Buffer> {
  return rawZip([
    { name: 'descriptor.yml', body: Buffer.from(aDescriptorText({ namespace, version })), method: 8 },
    { name: 'image.tar', body: await packTar(files), method },
  ])
}
