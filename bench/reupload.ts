/*
 * Measures the upload of a new task version in which one small layer has changed, on a separate local stack. Compares it with the
 * upload of the first version and with `skopeo copy` of the same image into the same registry:
 *
 *   npm run bench:reupload -- [--size 4G] [--layers 8]
 *
 * The image has uncompressed layers of random bytes, as docker save writes them; the last one has 1 MiB. skopeo has copied the first
 * version before. It is measured with its blob cache, where it only asks the registry by digest, and without, as on another machine.
 * Its copy verifies nothing and installs no task. Prints one figure per line with its target; exits with 1 when a target is missed.
 * Needs skopeo, twice the size on disk for the images and twice for the stack. Run it on an otherwise idle machine.
 */
import { spawnSync } from 'node:child_process'
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { crc32 } from 'node:zlib'
import { CreateRepositoryCommand, ECRClient } from '@aws-sdk/client-ecr'
import { type Pack, pack } from 'tar-stream'
import { createProgress } from '../cli/progress.ts'
import { createUploadClient } from '../cli/upload-client.ts'
import { temporaryFolder } from '../local/clean-up.ts'
import { type LocalStack, startTemporaryStack } from '../local/stack.ts'
import { directoryRecord, endRecords, localHeader } from '../src/archive/folder-zip/folder-zip-records.ts'
import { openOutgoingBundle } from '../src/import/outgoing-bundle.ts'
import { type ByteSource, bufferSource, joinedSource } from '../src/shared/byte-source.ts'
import { mapUntilFailure } from '../src/shared/map-until-failure.ts'
import { readAll } from '../src/shared/read-all.ts'
import { aDescriptorText } from '../test/fixtures/bundle-builder.ts'

const MIB = 1024 ** 2
const CHUNK_BYTES = 4 * MIB
const CHANGED_BYTES = MIB
const BLOCK_BYTES = 512
const REPOSITORY = 'bench/skopeo'
const NAMESPACE = 'org.example.reupload'
/** Same as in the command-line client. */
const PARTS_AT_ONCE = 4
const POLL_MS = 100

const { values: options } = parseArgs({
  options: { size: { type: 'string', default: '4G' }, layers: { type: 'string', default: '8' } },
})
const sizeBytes = bytesOf(options.size)
const layerCount = Number(options.layers)

/** Content of a layer. The same number and size result in the same bytes. */
interface LayerPlan {
  readonly number: number
  readonly sizeBytes: number
}

interface Image {
  /** Creates an image archive. @returns its path */
  readonly path: string
  readonly bundle: ByteSource
}

const progress = createProgress(process.stdout)
await using folder = await temporaryFolder('bench-reupload-')
const first = await progress.step(`image of ${options.size}`, () => makeImage('1.0.0', 1))
const changed = await progress.step('the same with another layer', () => makeImage('1.1.0', 2))
await using stack = await startTemporaryStack({
  instance: `bench-${randomBytes(4).toString('hex')}`,
  progress,
})
await new ECRClient({
  endpoint: stack.emulatorUrl,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
}).send(new CreateRepositoryCommand({ repositoryName: REPOSITORY }))

const whole = await progress.step('first version, upload and import', () => send(first.bundle))
const memory = join(folder.path, 'memory')
await progress.step('first version, skopeo copy', async () => copy(first, '1.0.0', memory))
const thin = await progress.step('new version, upload and import', () => send(changed.bundle))
const known = await progress.step('new version, skopeo copy', async () => copy(changed, '1.1.0', memory))
const elsewhere = join(folder.path, 'elsewhere')
const anew = await progress.step('the same, of another machine', async () =>
  copy(changed, '1.1.1', elsewhere),
)

console.log(`first version ${whole.seconds.toFixed(2)} s, ${whole.sentBytes} bytes`)
console.log(`new version ${thin.seconds.toFixed(2)} s, ${thin.sentBytes} bytes`)
console.log(`skopeo ${known.toFixed(2)} s, of another machine ${anew.toFixed(2)} s`)
print('bytes sent of the new version, share of its bundle', thin.sentBytes / changed.bundle.sizeBytes, 0.01)
print('time of the new version, share of the first', thin.seconds / whole.seconds, 0.1)
print('time of the new version, share of skopeo copy', thin.seconds / anew, 1)
print('the same, of skopeo that remembers the layers', thin.seconds / known, 1)

function print(name: string, value: number, target: number): void {
  const isReached = value <= target
  if (!isReached) process.exitCode = 1
  console.log(
    `${name.padEnd(60)} ${value.toFixed(4).padStart(8)}  target ≤ ${target}, ${isReached ? 'reached' : 'MISSED'}`,
  )
}

function bytesOf(text: string): number {
  const [, number = '', unit = ''] = /^(\d+)([MG]?)$/u.exec(text) ?? []
  if (number === '') throw new Error(`${text} is no size; write 4G or 500M`)
  return Number(number) * { '': 1, M: MIB, G: 1024 * MIB }[unit as '' | 'M' | 'G']
}

async function makeImage(version: string, changedLayer: number): Promise<Image> {
  const large = Math.floor((sizeBytes - CHANGED_BYTES) / (layerCount - 1))
  const plans = Array.from({ length: layerCount - 1 }, (_, number) => ({
    number: number + 10,
    sizeBytes: large,
  }))
  const layers = [...plans, { number: changedLayer, sizeBytes: CHANGED_BYTES }]
  const digests: string[] = []
  for (const layer of layers) {
    const hash = createHash('sha256')
    for await (const chunk of layerTar(layer)) hash.update(chunk)
    digests.push(hash.digest('hex'))
  }
  const config = JSON.stringify({
    os: 'linux',
    architecture: 'amd64',
    config: { Entrypoint: ['/program'] },
    rootfs: { type: 'layers', diff_ids: digests.map((digest) => `sha256:${digest}`) },
  })
  const configName = `blobs/sha256/${createHash('sha256').update(config).digest('hex')}`
  const names = digests.map((digest) => `blobs/sha256/${digest}`)
  const manifest = [{ Config: configName, RepoTags: [`reupload:${version}`], Layers: names }]
  const path = join(folder.path, `${version}.tar`)
  const tar = pack()
  const written = pipeline(tar, createWriteStream(path))
  for (const [index, layer] of layers.entries()) {
    await addLayer(tar, names[index] ?? '', layer)
  }
  tar.entry({ name: configName }, config)
  tar.entry({ name: 'manifest.json' }, JSON.stringify(manifest))
  tar.finalize()
  await written
  return { path, bundle: await bundleOf(path, version) }
}

/** Size of a tar with one file. */
function tarBytes(contentBytes: number): number {
  return BLOCK_BYTES * (Math.ceil(contentBytes / BLOCK_BYTES) + 3)
}

async function addLayer(tar: Pack, name: string, layer: LayerPlan): Promise<void> {
  const entry = tar.entry({ name, size: tarBytes(layer.sizeBytes) })
  await pipeline(layerTar(layer), entry)
}

/** A layer: a tar with one file of random bytes. */
async function* layerTar({ number, sizeBytes: contentBytes }: LayerPlan): AsyncGenerator<Buffer> {
  const header = pack()
  header.entry({ name: `file-${number}`, size: contentBytes, mtime: new Date(0) })
  for await (const chunk of header) {
    yield chunk as Buffer
    break
  }
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, number), Buffer.alloc(16))
  const zeros = Buffer.alloc(CHUNK_BYTES)
  for (let left = contentBytes; left > 0; left -= CHUNK_BYTES) {
    yield cipher.update(left < CHUNK_BYTES ? zeros.subarray(0, left) : zeros)
  }
  yield Buffer.alloc(tarBytes(contentBytes) - BLOCK_BYTES - contentBytes)
}

/** Streams the bundle: a zip that stores the image archive on disk. */
async function bundleOf(path: string, version: string): Promise<ByteSource> {
  const { size } = await stat(path)
  let crc = 0
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) crc = crc32(chunk, crc)
  const text = Buffer.from(aDescriptorText({ namespace: NAMESPACE, version }))
  const descriptor = { name: Buffer.from('descriptor.yml'), sizeBytes: text.length, crc32: crc32(text) }
  const image = { name: Buffer.from('image.tar'), sizeBytes: size, crc32: crc }
  const start = Buffer.concat([localHeader(descriptor), text])
  const header = localHeader(image)
  const records = Buffer.concat([directoryRecord(descriptor, 0), directoryRecord(image, start.length)])
  const directoryOffset = start.length + header.length + size
  const end = endRecords({ count: 2, directorySizeBytes: records.length, directoryOffset })
  const file: ByteSource = {
    sizeBytes: size,
    read: async (from, length) => createReadStream(path, { start: from, end: from + length - 1 }),
  }
  return joinedSource([
    bufferSource(Buffer.concat([start, header])),
    file,
    bufferSource(Buffer.concat([records, end])),
  ])
}

interface Sent {
  readonly seconds: number
  readonly sentBytes: number
}

/** Announces the layers, sends the missing ones, and waits for the task. */
async function send(bundle: ByteSource): Promise<Sent> {
  const startedAt = performance.now()
  const client = createUploadClient(stack.baseUrl)
  const outgoing = await openOutgoingBundle(bundle)
  const { id, partSizeBytes, layers } = await begin(stack, outgoing.layers)
  const source = await outgoing.without(new Set(layers.flatMap(({ digest, held }) => (held ? [digest] : []))))
  const parts = Array.from({ length: Math.ceil(source.sizeBytes / partSizeBytes) }, (_, index) => index)
  const sendPart = async (index: number, signal: AbortSignal): Promise<void> => {
    const start = index * partSizeBytes
    const length = Math.min(partSizeBytes, source.sizeBytes - start)
    const bytes = new Uint8Array(await readAll(await source.read(start, length)))
    await client.sendPart(id, { number: index + 1, bytes }, signal)
  }
  await mapUntilFailure(parts, sendPart, { concurrency: PARTS_AT_ONCE })
  await client.complete(id)
  for (;;) {
    const { state, error } = await client.find(id)
    if (state === 'FAILED') throw new Error(`the import failed: ${JSON.stringify(error)}`)
    if (state === 'READY') break
    await pause(POLL_MS)
  }
  return { seconds: (performance.now() - startedAt) / 1000, sentBytes: source.sizeBytes }
}

interface BegunUpload {
  readonly id: string
  readonly partSizeBytes: number
  readonly layers: readonly { readonly digest: string; readonly held: boolean }[]
}

async function begin({ baseUrl }: LocalStack, layers: readonly object[]): Promise<BegunUpload> {
  const body = JSON.stringify({ purpose: 'task', layers })
  const answer = await fetch(new URL('uploads', baseUrl), { method: 'POST', body })
  if (!answer.ok) throw new Error(`POST uploads: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as BegunUpload
}

/**
 * @param memory folder of skopeo's cache of layer digests
 * @returns seconds
 */
function copy({ path }: Image, version: string, memory: string): number {
  const target = `docker://${new URL(stack.storageUrl).host}/${REPOSITORY}:${version}`
  const startedAt = performance.now()
  const words = ['copy', '--dest-tls-verify=false', `docker-archive:${path}`, target]
  // skopeo ignores the folder when it runs as root.
  const env = { ...process.env, XDG_DATA_HOME: memory, _CONTAINERS_ROOTLESS_UID: '1000' }
  const { status, stderr } = spawnSync('skopeo', words, { encoding: 'utf8', env })
  if (status !== 0) throw new Error(`skopeo ended with ${status}: ${stderr}`)
  return (performance.now() - startedAt) / 1000
}
