/*
 * Measures `cytomine-task upload` of a task version in which one small layer has changed, on a separate local stack: check, upload and
 * import, for which its author waits. Compares it with the upload of the first version, and with `skopeo copy` of the same image to the
 * same registry:
 *
 *   npm run bench:reupload -- [--size 4G] [--layers 8]
 *
 * The image has uncompressed layers of random bytes, like one of docker save; the last layer has 1 MiB. skopeo copies the first version
 * before. It is measured with its blob cache, when it only checks digests in the registry, and without it, as on another machine. It
 * does not verify the image or install a task. Prints one figure per line with its target, and exits with 1 when a target is missed.
 * Needs skopeo, and six times the size on disk for images, bundles and stack. The machine should be idle otherwise.
 */
import { spawnSync } from 'node:child_process'
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { CreateRepositoryCommand, ECRClient } from '@aws-sdk/client-ecr'
import { type Pack, pack } from 'tar-stream'
import { packBundle } from '../cli/task/build-task.ts'
import { PROJECT } from '../local/aws-environment.ts'
import { temporaryFolder } from '../local/clean-up.ts'
import { startTemporaryStack } from '../local/stack.ts'
import { createProgress } from '../src/shared/progress.ts'
import { aDescriptorText } from '../test/fixtures/bundle-builder.ts'
import { anElf } from '../test/fixtures/task-folder.ts'

const MIB = 1024 ** 2
const CHUNK_BYTES = 4 * MIB
const CHANGED_BYTES = MIB
/** Number of the lowest layer, which contains the program of the image. */
const FIRST_LAYER = 10
const BLOCK_BYTES = 512
const REPOSITORY = 'bench/skopeo'
const NAMESPACE = 'org.example.reupload'

const { values: options } = parseArgs({
  options: { size: { type: 'string', default: '4G' }, layers: { type: 'string', default: '8' } },
})
const sizeBytes = bytesOf(options.size)
const layerCount = Number(options.layers)

/** Content of a layer, which depends only on the number and the size. */
interface LayerPlan {
  readonly number: number
  readonly sizeBytes: number
}

interface Image {
  /** Path of the image archive. */
  readonly path: string
  /** Path of the bundle. */
  readonly bundle: string
  readonly bundleBytes: number
}

const progress = createProgress(process.stdout)
await using folder = await temporaryFolder('bench-reupload-')
const program = await progress.step('package', makePackage)
const first = await progress.step(`image of ${options.size}`, () => makeImage('1.0.0', 1))
const changed = await progress.step('the same with another last layer', () => makeImage('1.1.0', 2))
await using stack = await startTemporaryStack({
  instance: `bench-${randomBytes(4).toString('hex')}`,
  progress,
})
await new ECRClient({
  endpoint: stack.emulatorUrl,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
}).send(new CreateRepositoryCommand({ repositoryName: REPOSITORY }))

const [start, whole] = await progress.step(
  'first version, upload',
  async () => [runProgram(['--version']), upload(first)] as const,
)
const memory = join(folder.path, 'memory')
await progress.step('first version, skopeo copy', async () => copy(first, '1.0.0', memory))
const thin = await progress.step('new version, upload', async () => upload(changed))
const known = await progress.step('new version, skopeo copy', async () => copy(changed, '1.1.0', memory))
const elsewhere = join(folder.path, 'elsewhere')
const anew = await progress.step('new version, skopeo copy without its cache', async () =>
  copy(changed, '1.1.1', elsewhere),
)

console.log(`first version ${whole.seconds.toFixed(2)} s, ${whole.sentBytes} bytes`)
console.log(`new version ${thin.seconds.toFixed(2)} s, ${thin.sentBytes} bytes`)
console.log(`start of the program ${start.seconds.toFixed(2)} s, part of each upload`)
console.log(`skopeo ${known.toFixed(2)} s, without its cache ${anew.toFixed(2)} s`)
print('bytes sent for the new version / its bundle', thin.sentBytes / changed.bundleBytes, 0.01)
print('time for the new version / that for the first', thin.seconds / whole.seconds, 0.1)
print('time for the new version / skopeo without its cache', thin.seconds / anew, 1)
print('time for the new version / skopeo with its cache', thin.seconds / known, 1)

function print(name: string, value: number, target: number): void {
  const isReached = value <= target
  if (!isReached) process.exitCode = 1
  console.log(
    `${name.padEnd(60)} ${value.toFixed(4).padStart(8)}  target ≤ ${target}, ${isReached ? 'reached' : 'MISSED'}`,
  )
}

function bytesOf(text: string): number {
  const [, number = '', unit = ''] = /^(\d+)([MG]?)$/u.exec(text) ?? []
  if (number === '') throw new Error(`${text} is not a size such as 4G or 500M`)
  return Number(number) * { '': 1, M: MIB, G: 1024 * MIB }[unit as '' | 'M' | 'G']
}

async function makeImage(version: string, changedLayer: number): Promise<Image> {
  const large = Math.floor((sizeBytes - CHANGED_BYTES) / (layerCount - 1))
  const plans = Array.from({ length: layerCount - 1 }, (_, number) => ({
    number: number + FIRST_LAYER,
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
    config: { Entrypoint: [`/${fileName(FIRST_LAYER)}`] },
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
  const bundle = join(folder.path, `${version}.zip`)
  await writeFile(join(folder.path, 'descriptor.yml'), aDescriptorText({ namespace: NAMESPACE, version }))
  await packBundle(folder.path, path, { namespace: NAMESPACE, version, imageFile: 'image.tar' }, bundle)
  return { path, bundle, bundleBytes: (await stat(bundle)).size }
}

/** @returns path of the program */
async function makePackage(): Promise<string> {
  const target = join(folder.path, 'package')
  const { status, stderr } = spawnSync(process.execPath, [join(PROJECT, 'cli/package/build.ts'), target], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return join(target, 'dist/cytomine-task.cjs')
}

/** Size of a tar with one file of `contentBytes`. */
function tarBytes(contentBytes: number): number {
  return BLOCK_BYTES * (Math.ceil(contentBytes / BLOCK_BYTES) + 3)
}

async function addLayer(tar: Pack, name: string, layer: LayerPlan): Promise<void> {
  const entry = tar.entry({ name, size: tarBytes(layer.sizeBytes) })
  await pipeline(layerTar(layer), entry)
}

function fileName(layer: number): string {
  return `file-${layer}`
}

/** Bytes of a layer: a tar with one program of random bytes. */
async function* layerTar({ number, sizeBytes: contentBytes }: LayerPlan): AsyncGenerator<Buffer> {
  const header = pack()
  header.entry({ name: fileName(number), mode: 0o755, size: contentBytes, mtime: new Date(0) })
  for await (const chunk of header) {
    yield chunk as Buffer
    break
  }
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, number), Buffer.alloc(16))
  const zeros = Buffer.alloc(CHUNK_BYTES)
  const program = anElf()
  for (let left = contentBytes; left > 0; left -= CHUNK_BYTES) {
    const chunk = cipher.update(left < CHUNK_BYTES ? zeros.subarray(0, left) : zeros)
    if (left === contentBytes) program.copy(chunk)
    yield chunk
  }
  yield Buffer.alloc(tarBytes(contentBytes) - BLOCK_BYTES - contentBytes)
}

interface Ended {
  readonly seconds: number
  readonly stdout: string
}

/** Runs the packaged program with a separate cache. */
function runProgram(words: readonly string[]): Ended {
  const startedAt = performance.now()
  const env = { ...process.env, XDG_CACHE_HOME: join(folder.path, 'cache') }
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], {
    encoding: 'utf8',
    env,
  })
  if (status !== 0) throw new Error(`cytomine-task ended with ${status}: ${stderr}${stdout}`)
  return { seconds: (performance.now() - startedAt) / 1000, stdout }
}

function upload({ bundle }: Image): { readonly seconds: number; readonly sentBytes: number } {
  const { seconds, stdout } = runProgram(['upload', bundle, '--url', stack.baseUrl, '--json'])
  const { sentBytes } = JSON.parse(stdout) as { readonly sentBytes: number }
  return { seconds, sentBytes }
}

/**
 * @param memory folder of skopeo's cache of layer digests
 * @returns duration in seconds
 */
function copy({ path }: Image, version: string, memory: string): number {
  const target = `docker://${new URL(stack.storageUrl).host}/${REPOSITORY}:${version}`
  const startedAt = performance.now()
  const words = ['copy', '--dest-tls-verify=false', `docker-archive:${path}`, target]
  // As root, skopeo keeps its cache of layers in XDG_DATA_HOME only with this user id.
  const env = { ...process.env, XDG_DATA_HOME: memory, _CONTAINERS_ROOTLESS_UID: '1000' }
  const { status, stderr } = spawnSync('skopeo', words, { encoding: 'utf8', env })
  if (status !== 0) throw new Error(`skopeo ended with ${status}: ${stderr}`)
  return (performance.now() - startedAt) / 1000
}
