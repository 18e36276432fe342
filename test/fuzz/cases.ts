import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import {
  aDescriptorText,
  aLayer,
  type Compression,
  compressLayer,
  digestOf,
  type FileEntry,
  legacyDockerArchive,
  packTar,
} from '../fixtures/bundle-builder.ts'
import { blobName } from '../fixtures/oci-layout.ts'
import { packBzip2 } from '../fixtures/pack-bzip2.ts'
import { packWithoutCopies } from '../fixtures/pack-deflate64.ts'
import { type RawEntry, rawZip } from '../fixtures/raw-zip.ts'
import { addPaxHeader, mutateBytes, mutateTarHeader, nearZipRecord } from './mutate-bytes.ts'
import { mutateJson } from './mutate-json.ts'
import { createRandom, type Random } from './random.ts'
import { makeThinCase, type ThinCase } from './thin-cases.ts'

/** Parts of a bundle, one of which a case mutates. */
const SMALL_KINDS = [
  'zip',
  'packed',
  'zip-record',
  'tar',
  'tar-header',
  'pax',
  'json',
  'config',
  'layer',
  'descriptor',
] as const
type SmallKind = (typeof SMALL_KINDS)[number]
export const KINDS = [...SMALL_KINDS, 'thin', 'large'] as const
type Kind = (typeof KINDS)[number]

interface FuzzCase {
  readonly kind: Kind
  readonly bundle: Buffer
  /** Content of a bundle of the kind `thin`. */
  readonly thin?: ThinCase
}

const LAYERS = await Promise.all(['echo hello', 'text '.repeat(400)].map((content) => aLayer(content)))
const DIFF_IDS = LAYERS.map(digestOf)
/** Compressions to choose from. Plain layers are rare, because the importer compresses them, which takes longest. */
const COMPRESSIONS: readonly [Compression, ...Compression[]] = ['none', 'gzip', 'gzip', 'zstd', 'zstd']

/** A compressed layer. */
export interface LargeLayer {
  readonly bytes: Buffer
  readonly diffId: string
}
type LargeLayers = readonly [LargeLayer, ...LargeLayer[]]

const LARGE_BYTES = 64 * 1024 ** 2
/** log2 of accepted zstd windows: 2 MiB, and the maximum of 32 MiB, which is twice as likely. */
const TAKEN_WINDOW_LOGS = [21, 25, 25]
const REFUSED_WINDOW_LOG = 26
/** One of this many cases is large, because a large one takes as long as fifty others. */
const LARGE_EVERY = 500

/**
 * Creates layers with a high compression ratio, the last of which must be refused. Must not be called in a process whose memory is
 * measured.
 */
export async function makeLargeLayers(): Promise<LargeLayers> {
  const start = (await aLayer()).subarray(0, 1024)
  const layer = Buffer.concat([start, Buffer.alloc(LARGE_BYTES)])
  const diffId = digestOf(layer)
  const compressed = [...TAKEN_WINDOW_LOGS, REFUSED_WINDOW_LOG].map((windowLog) => ({
    bytes: zstdCompressSync(layer, { params: { [constants.ZSTD_c_windowLog]: windowLog } }),
    diffId,
  }))
  return [{ bytes: gzipSync(layer, { level: 9 }), diffId }, ...compressed]
}

/** Compressed archive for the kind `packed`. Created once, because its compression takes longer than a case. */
const PACKED_BZIP2 = packBzip2(await packTar(anArchive('docker', LAYERS, DIFF_IDS)))

/** Creates a case that depends only on the seed. */
export async function makeCase(seed: number, large: LargeLayers): Promise<FuzzCase> {
  const random = createRandom(seed)
  if (seed % LARGE_EVERY === 0) return { kind: 'large', bundle: await aLargeBundle(random, large) }
  if (random.chance(0.1)) {
    const thin = await makeThinCase(random, {
      layers: LAYERS,
      archive: (bodies, diffIds) => anArchive(random.pick(['docker', 'layout', 'nested']), bodies, diffIds),
    })
    return { kind: 'thin', bundle: thin.bundle, thin }
  }
  const kind = random.pick(SMALL_KINDS)
  return { kind, bundle: await MAKERS[kind](random) }
}

/** A bundle with more layers than the importer reads concurrently. */
async function aLargeBundle(random: Random, [first, ...others]: LargeLayers): Promise<Buffer> {
  const taken = others.slice(0, TAKEN_WINDOW_LOGS.length)
  const layers = Array.from({ length: 4 }, () =>
    random.pick([first, ...(random.chance(0.1) ? others : taken)]),
  )
  const broken = random.chance(0.5) ? random.below(layers.length) : undefined
  const bodies = layers.map(({ bytes }, index) => (index === broken ? mutateBytes(bytes, random) : bytes))
  const tar = await packTar(
    anArchive(
      'layout',
      bodies,
      layers.map(({ diffId }) => diffId),
    ),
  )
  return rawZip([
    { name: 'descriptor.yml', body: Buffer.from(aDescriptorText()), method: 8 },
    { name: 'image.tar', body: tar, method: random.pick([0, 8]) },
  ])
}

const MAKERS: Readonly<Record<SmallKind, (random: Random) => Promise<Buffer>>> = {
  zip: async (random) => mutateBytes(await aBundle(random), random),
  packed: async (random) => {
    const body = await packTar(anArchive('docker', LAYERS, DIFF_IDS))
    const packed = random.chance(0.5)
      ? { method: 9, packed: packWithoutCopies(body) }
      : { method: 12, packed: PACKED_BZIP2 }
    return rawZip([
      { name: 'descriptor.yml', body: aDescriptorText() },
      { name: 'image.tar', body, ...packed, packed: mutateBytes(packed.packed, random) },
    ])
  },
  'zip-record': async (random) =>
    mutateBytes(await aBundle(random), random, (bytes) => nearZipRecord(bytes, random)),
  tar: async (random) => await aBundle(random, { tar: (tar) => mutateBytes(tar, random) }),
  'tar-header': async (random) =>
    await aBundle(random, {
      tar: (tar) =>
        random.chance(0.5)
          ? mutateTarHeader(mutateTarHeader(tar, random), random)
          : mutateTarHeader(tar, random),
    }),
  pax: async (random) => await aBundle(random, { tar: (tar) => addPaxHeader(tar, random) }),
  json: async (random) => {
    const chosen = random.pick(['manifest.json', 'index.json', 'index', 'manifest'])
    return await aBundle(random, {
      document: (name, text) => (name === chosen ? broken(text, random) : text),
    })
  },
  config: async (random) =>
    await aBundle(random, { document: (name, text) => (name === 'config' ? broken(text, random) : text) }),
  layer: async (random) => await aBundle(random, { layer: (layer) => mutateBytes(layer, random) }),
  descriptor: async (random) => await aBundle(random, { descriptor: (text) => mutateBytes(text, random) }),
}

function broken(text: string, random: Random): string {
  if (random.chance(0.8)) return mutateJson(text, random)
  return mutateBytes(Buffer.from(text), random).toString('latin1')
}

type Document = 'manifest.json' | 'index.json' | 'index' | 'manifest' | 'config'

/** Changes to make while a bundle is created. Digests and sizes are computed after each change. */
interface Changes {
  readonly document?: (name: Document, text: string) => string
  readonly layer?: (layer: Buffer) => Buffer
  readonly tar?: (tar: Buffer) => Buffer
  readonly descriptor?: (text: Buffer) => Buffer
}

async function aBundle(random: Random, changes: Changes = {}): Promise<Buffer> {
  const form = random.pick(['legacy', 'docker', 'layout', 'layout', 'nested', 'nested'])
  const compressed = (): Buffer[] => {
    const compression = random.pick(COMPRESSIONS)
    return LAYERS.map((layer) => {
      const body = compressLayer(layer, compression)
      return changes.layer?.(body) ?? body
    })
  }
  const files =
    form === 'legacy' && changes.document === undefined && changes.layer === undefined
      ? await legacyDockerArchive({ layers: LAYERS })
      : anArchive(form, compressed(), DIFF_IDS, changes.document)
  const tar = await packTar(files)
  const text = Buffer.from(aDescriptorText())
  const entries: RawEntry[] = [
    packedEntry('descriptor.yml', changes.descriptor?.(text) ?? text, random),
    packedEntry('image.tar', changes.tar?.(tar) ?? tar, random),
  ]
  return rawZip(random.chance(0.5) ? entries : entries.toReversed(), {
    ...(random.chance(0.2) && { zip64: () => {} }),
  })
}

/** Maximum size for the bzip2 compression of the tests, which is slow. */
const MAX_BZIP2_BYTES = 32 * 1024

/** An entry with a random one of the compression methods that bundles may use. */
function packedEntry(name: string, body: Buffer, random: Random): RawEntry {
  const method = random.pick([0, 8, 8, 9, 12])
  if (method === 9) return { name, body, method, packed: packWithoutCopies(body) }
  if (method === 12 && body.length <= MAX_BZIP2_BYTES) return { name, body, method, packed: packBzip2(body) }
  return { name, body, method: method === 0 ? 0 : 8 }
}

/** Files of an OCI layout, which in the forms `docker` and `legacy` also has a `manifest.json`. */
function anArchive(
  form: string,
  bodies: readonly Buffer[],
  diffIds: readonly string[],
  change: Changes['document'] & {} = (_, text) => text,
): FileEntry[] {
  const blobs = new Map<string, FileEntry>()
  const add = (body: Buffer) => {
    const digest = digestOf(body)
    blobs.set(digest, { name: blobName(digest), body })
    return { mediaType: 'application/octet-stream', digest, size: body.length }
  }
  const document = (name: Document, value: object) =>
    add(Buffer.from(change(name, JSON.stringify(value)), 'latin1'))
  const layers = bodies.map(add)
  const config = document('config', {
    os: 'linux',
    architecture: 'amd64',
    config: { Entrypoint: ['/run.sh'], Cmd: null },
    rootfs: { type: 'layers', diff_ids: diffIds },
  })
  const platform = { os: 'linux', architecture: 'amd64' }
  const manifest = { ...document('manifest', { schemaVersion: 2, config, layers }), platform }
  const attestation = add(gzipSync('attested'))
  const index = document('index', {
    schemaVersion: 2,
    manifests: [
      { ...attestation, platform: { os: 'unknown', architecture: 'unknown' } },
      { ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'latest' } },
    ],
  })
  const top = { schemaVersion: 2, manifests: [form === 'nested' ? index : manifest] }
  const docker = [
    {
      Config: blobName(config.digest),
      RepoTags: ['a:b'],
      Layers: layers.map(({ digest }) => blobName(digest)),
    },
  ]
  return [
    ...blobs.values(),
    { name: 'index.json', body: change('index.json', JSON.stringify(top)) },
    { name: 'oci-layout', body: '{"imageLayoutVersion": "1.0.0"}' },
    ...(form === 'docker' || form === 'legacy'
      ? [{ name: 'manifest.json', body: change('manifest.json', JSON.stringify(docker)) }]
      : []),
  ]
}
