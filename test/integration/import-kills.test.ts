import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { uploadKey } from '../../src/contract/storage-keys.ts'
import { LEASE_SECONDS } from '../../src/import/lease.ts'
import { aBundle, aLayer, dockerArchive, packZip } from '../fixtures/bundle-builder.ts'
import { type FakeRegistry, startFakeRegistry } from '../fixtures/fake-registry.ts'
import { anImporter, UPLOAD_ID } from '../fixtures/memory-importer.ts'
import { wholeTasks } from '../fixtures/whole-tasks.ts'

/** Number of kills for each kind of bundle. */
const KILLS = 40
/** Maximum number of blobs that an importer sends concurrently. */
const SENT_AT_ONCE = 4
/** Seed of the times at which workers are killed; fixed, so that a failure can be reproduced. */
const SEED = 20_261_123

let folder: string
let worker: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-kills-'))
  worker = join(folder, 'worker.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, '../fixtures/import-worker.ts')],
    outfile: worker,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
    },
  })
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Deterministic random numbers from 0 to 1 (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Sizes of the layers in MiB. The large ones are sent as streams, the small one in a single request. */
const LAYERS = [5, 5, 5, 1]

/** Kinds of bundles: deflated, stored, and stored with compressed layers, which are sent unchanged. */
const SHAPES = {
  deflated: { compress: true, compression: 'none' },
  stored: { compress: false, compression: 'none' },
  gzip: { compress: false, compression: 'gzip' },
} as const

async function writeBundle(shape: keyof typeof SHAPES): Promise<string> {
  const { compress, compression } = SHAPES[shape]
  const layers = await Promise.all(
    LAYERS.map(async (mebibytes) => await aLayer(randomBytes(mebibytes * 2 ** 20))),
  )
  const path = join(folder, `${shape}.zip`)
  const image = await dockerArchive({ layers, compression })
  await writeFile(path, await packZip(await aBundle({ image }), { compress }))
  return path
}

/** Creates the ports and the registry, which outlive a worker. */
async function aService(bundle: string) {
  const importer = anImporter()
  const server = await startFakeRegistry({ isPlain: true })
  await importer.uploads.create({
    id: UPLOAD_ID,
    key: uploadKey(UPLOAD_ID),
    purpose: 'task',
    state: 'CREATED',
    taskId: 'the-task',
    createdAt: '2026-01-01T00:00:00.000Z',
  })
  return { importer, server, bundle }
}

/** A worker's call of a port in the parent process. */
interface PortCall {
  readonly id: number
  readonly port: string
  readonly method: string
  readonly args: readonly unknown[]
}

type Service = Awaited<ReturnType<typeof aService>>

/** Starts a worker that uses the ports of the service. */
function startWorker({ importer, server, bundle }: Service): ChildProcess {
  const child = fork(worker, [bundle, server.url], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ports = importer as unknown as Record<string, Record<string, (...args: unknown[]) => unknown>>
  child.on('message', async ({ id, port, method, args }: PortCall) => {
    const answer = await Promise.resolve()
      .then(() => ports[port]?.[method]?.(...args))
      .then(
        (value) => ({ id, value }),
        (error: unknown) => ({ id, error: String(error) }),
      )
    if (child.connected) child.send(answer, () => {})
  })
  return child
}

const digestsSent = ({ requests }: FakeRegistry): string[] =>
  requests
    .flatMap((line) => /^PUT .*digest=(sha256%3A[0-9a-f]+)/u.exec(line)?.[1] ?? [])
    .map(decodeURIComponent)

/** Number of started streams; a blob that is sent in a single request has none. */
const streamsBegun = ({ requests }: FakeRegistry): number =>
  requests.filter((line) => line.startsWith('PATCH ')).length

/** Runs workers until the import has ended. Kills each worker after `delay()` milliseconds, if defined. */
async function importWithKills(service: Service, delay: () => number | undefined): Promise<number> {
  let kills = 0
  for (;;) {
    const upload = await service.importer.uploads.find(UPLOAD_ID)
    if (upload?.state === 'READY' || upload?.state === 'FAILED') return kills
    const remembered = upload?.layers?.map(({ digest }) => digest) ?? []
    const before = digestsSent(service.server).length
    const streamsBefore = streamsBegun(service.server)
    const child = startWorker(service)
    const exited = once(child, 'exit')
    const milliseconds = delay()
    const isKilled =
      milliseconds !== undefined &&
      (await Promise.race([exited.then(() => false), pause(milliseconds, true)]))
    if (isKilled && child.kill('SIGKILL')) kills += 1
    await exited
    service.importer.identity.advance(LEASE_SECONDS + 1)
    const sent = digestsSent(service.server).slice(before)
    expect(sent.filter((digest) => remembered.includes(digest))).toEqual([])
    // No byte of an acknowledged layer was sent again.
    const streamsLeft = LAYERS.length - remembered.length
    expect(streamsBegun(service.server) - streamsBefore).toBeLessThanOrEqual(streamsLeft)
  }
}

describe.each(['deflated', 'stored', 'gzip'] as const)(
  'an import of a bundle (%s) that is killed repeatedly',
  (shape) => {
    it(`ends READY, and does not send an acknowledged blob again`, { timeout: 240_000 }, async () => {
      const random = randomNumbers(SEED)
      const bundle = await writeBundle(shape)
      const started = performance.now()
      const whole = await aService(bundle)
      await importWithKills(whole, () => undefined)
      const longest = performance.now() - started
      await whole.server.close()
      let kills = 0

      while (kills < KILLS) {
        const service = await aService(bundle)
        const killed = await importWithKills(service, () => random() * longest)
        kills += killed
        const { importer, server } = service
        const [task] = await wholeTasks(importer.tasks)
        expect((await importer.uploads.find(UPLOAD_ID))?.state).toBe('READY')
        expect(server.manifest(task?.image.repository ?? '', task?.image.digest ?? '')).toBeDefined()
        expect([...importer.scheduler.definitions.keys()]).toEqual([task?.jobDefinitionArn])
        expect(importer.objects.keys()).toEqual(['task-the-task-def/descriptor.yml'])
        // Each kill interrupts at most SENT_AT_ONCE blobs, which are sent twice.
        const sent = digestsSent(server)
        expect(sent.length - new Set(sent).size).toBeLessThanOrEqual(killed * SENT_AT_ONCE)
        expect(new Set(sent).size).toBe(LAYERS.length + 1)
        expect(streamsBegun(server) === 0).toBe(shape === 'gzip')
        await server.close()
      }
    })
  },
)
