import { gzipSync } from 'node:zlib'
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
import { type RawEntry, rawZip } from '../fixtures/raw-zip.ts'
import { addPaxHeader, mutateBytes, mutateTarHeader, nearZipRecord } from './mutate-bytes.ts'
import { mutateJson } from './mutate-json.ts'
import { createRandom, type Random } from './random.ts'

/** What is broken in a case. */
export const KINDS = [
  'zip',
  'zip-record',
  'tar',
  'tar-header',
  'pax',
  'json',
  'config',
  'layer',
  'descriptor',
] as const
type Kind = (typeof KINDS)[number]

interface FuzzCase {
  readonly kind: Kind
  readonly bundle: Buffer
}

const LAYERS = await Promise.all(['echo hello', 'text '.repeat(400)].map((content) => aLayer(content)))
const DIFF_IDS = LAYERS.map(digestOf)
/** Plain layers are compressed on their way, which takes longest. */
const COMPRESSIONS: readonly [Compression, ...Compression[]] = ['none', 'gzip', 'gzip', 'zstd', 'zstd']

/** The case of this number: the same one each time. */
export async function makeCase(seed: number): Promise<FuzzCase> {
  const random = createRandom(seed)
  const kind = random.pick(KINDS)
  return { kind, bundle: await MAKERS[kind](random) }
}

const MAKERS: Readonly<Record<Kind, (random: Random) => Promise<Buffer>>> = {
  zip: async (random) => mutateBytes(await aBundle(random), random),
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

/** Changes on the way, each before what is computed from it. */
interface Changes {
  readonly document?: (name: Document, text: string) => string
  readonly layer?: (layer: Buffer) => Buffer
  readonly tar?: (tar: Buffer) => Buffer
  readonly descriptor?: (text: Buffer) => Buffer
}

async function aBundle(random: Random, changes: Changes = {}): Promise<Buffer> {
  const form = random.pick(['legacy', 'docker', 'layout', 'layout', 'nested', 'nested'])
  const files =
    form === 'legacy' && changes.document === undefined && changes.layer === undefined
      ? await legacyDockerArchive({ layers: LAYERS })
      : anArchive(form, random.pick(COMPRESSIONS), changes)
  const tar = await packTar(files)
  const method = random.pick([0, 8])
  const text = Buffer.from(aDescriptorText())
  const entries: RawEntry[] = [
    { name: 'descriptor.yml', body: changes.descriptor?.(text) ?? text, method: random.pick([0, 8]) },
    { name: 'image.tar', body: changes.tar?.(tar) ?? tar, method },
  ]
  return rawZip(random.chance(0.5) ? entries : entries.toReversed(), {
    ...(random.chance(0.2) && { zip64: () => {} }),
  })
}

/** A layout, or with `manifest.json` beside it. */
function anArchive(form: string, compression: Compression, changes: Changes): FileEntry[] {
  const change = changes.document ?? ((_, text) => text)
  const blobs = new Map<string, FileEntry>()
  const add = (body: Buffer) => {
    const digest = digestOf(body)
    blobs.set(digest, { name: blobName(digest), body })
    return { mediaType: 'application/octet-stream', digest, size: body.length }
  }
  const document = (name: Document, value: object) =>
    add(Buffer.from(change(name, JSON.stringify(value)), 'latin1'))
  const layers = LAYERS.map((layer) =>
    add(changes.layer?.(compressLayer(layer, compression)) ?? compressLayer(layer, compression)),
  )
  const config = document('config', {
    os: 'linux',
    architecture: 'amd64',
    config: { Entrypoint: ['/run.sh'], Cmd: null },
    rootfs: { type: 'layers', diff_ids: DIFF_IDS },
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
