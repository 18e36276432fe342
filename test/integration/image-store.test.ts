import { randomBytes } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { detectEmbedded } from '../../local/embedded/detect-embedded.ts'
import { createImageStore } from '../../local/embedded/image-store.ts'
import { callLauncher } from '../../local/embedded/launcher.ts'
import { type Compression, compressLayer, digestOf } from '../fixtures/bundle-builder.ts'
import { type LayerEntry, packLayer, writeArchive } from '../fixtures/engine-image.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

let command: readonly string[]
let folder: string
let archives: string
let server: Server
let host: string
/** Content and type by path of the registry. */
const served = new Map<string, { readonly body: Buffer; readonly type: string }>()
let requests: string[] = []

beforeAll(async () => {
  command = (await detectEmbedded()).command
  archives = await mkdtemp(join(tmpdir(), 'archives-'))
  server = createServer(({ url = '' }, response) => {
    requests.push(url)
    const found = served.get(url)
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': found?.type ?? 'text/plain' })
    response.end(found?.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-'))
  requests = []
})

afterEach(() => callLauncher(command, 'remove', folder))
afterAll(async () => {
  server?.close()
  await rm(folder, { recursive: true, force: true })
  await rm(archives, { recursive: true, force: true })
})

const aStore = (limitBytes = 2 ** 30) => createImageStore(command, folder, limitBytes)

/** Adds an image to the registry. @returns its reference */
async function serve(
  layers: readonly (readonly LayerEntry[])[],
  compression: Compression = 'none',
): Promise<string> {
  const tars = await Promise.all(layers.map(packLayer))
  const blobs = tars.map((tar) => compressLayer(tar, compression))
  const config = Buffer.from(JSON.stringify({ config: { Cmd: ['/x'] } }))
  for (const body of [...blobs, config]) {
    served.set(`/v2/test/blobs/${digestOf(body)}`, { body, type: 'application/octet-stream' })
  }
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { digest: digestOf(config) },
      layers: blobs.map((blob) => ({ digest: digestOf(blob) })),
    }),
  )
  served.set(`/v2/test/manifests/${digestOf(manifest)}`, { body: manifest, type: MANIFEST })
  return `${host}/test@${digestOf(manifest)}`
}

const manifestPathOf = (reference: string): string => `/v2/test/manifests/${reference.split('@')[1]}`

describe('the store of unpacked images', () => {
  it.each<Compression>(['none', 'gzip', 'zstd'])(
    'unpacks an image only once, with layers compressed by %s',
    async (compression) => {
      const store = aStore()
      const reference = await serve([[{ name: 'a', body: '1' }], [{ name: 'b', body: '2' }]], compression)

      await Promise.all([store.ensure(reference), store.ensure(reference)])
      const image = await store.acquire(reference)
      image.release()

      expect(await readFile(join(image.folder, 'a'), 'utf8')).toBe('1')
      expect(await readFile(join(image.folder, 'b'), 'utf8')).toBe('2')
      expect(requests.filter((path) => path.includes('/manifests/'))).toHaveLength(1)
    },
  )

  it('reuses images that an earlier store has unpacked in the same folder', async () => {
    const reference = await serve([[{ name: 'a', body: randomBytes(8) }]])
    await aStore().ensure(reference)
    requests = []

    await aStore().ensure(reference)

    expect(requests.filter((path) => path.includes('/blobs/'))).toEqual([])
  })

  it('refuses a removed image whose manifest the registry still has as a blob', async () => {
    const reference = await serve([[{ name: 'a', body: randomBytes(8) }]])
    const path = manifestPathOf(reference)
    const body = served.get(path)?.body ?? Buffer.alloc(0)
    served.set(path, { body, type: 'application/octet-stream' })

    await expect(aStore().ensure(reference)).rejects.toThrow(
      /^CannotPullContainerError: .*no longer an image/u,
    )
  })

  it('keeps nothing of an image if a layer does not have its digest', async () => {
    const reference = await serve([[{ name: 'a', body: randomBytes(8) }]])
    const manifest = JSON.parse(String(served.get(manifestPathOf(reference))?.body))
    const path = `/v2/test/blobs/${manifest.layers[0].digest}`
    served.set(path, {
      body: await packLayer([{ name: 'b', body: 'other' }]),
      type: 'application/octet-stream',
    })

    await expect(aStore().ensure(reference)).rejects.toThrow(/^CannotPullContainerError: .*sha256:/u)
    expect(await readdir(folder)).toEqual([])
  })

  it('removes the least recently used image when it is full, but no image in use', async () => {
    const store = aStore(250_000)
    const references: string[] = []
    for (let index = 0; index < 3; index += 1) {
      references.push(await serve([[{ name: 'a', body: randomBytes(100_000) }]]))
    }
    const [first = '', second = '', third = ''] = references
    const inUse = await store.acquire(first)
    const unused = await store.acquire(second)
    unused.release()

    await store.ensure(third)

    expect(existsSync(inUse.folder)).toBe(true)
    expect(existsSync(unused.folder)).toBe(false)
    const again = await store.acquire(second)
    expect(existsSync(join(again.folder, 'a'))).toBe(true)
  })

  it('removes an image for a new one from an archive, but none that another store of the folder uses', async () => {
    const names: string[] = []
    for (const name of ['one', 'two', 'three']) {
      const file = join(archives, `${name}.tar`)
      const layers = [await packLayer([{ name: 'a', body: randomBytes(100_000) }])]
      await writeArchive(file, { tag: `localhost/test:${name}`, layers, config: { Cmd: ['/a'] } })
      names.push(file)
    }
    const [one = '', two = '', three = ''] = names
    const other = aStore(250_000)
    await other.load(one)
    const inUse = await other.acquire('localhost/test:one')
    const store = aStore(250_000)
    await store.load(two)
    const unused = await store.acquire('localhost/test:two')
    unused.release()

    await store.load(three)

    expect(existsSync(inUse.folder)).toBe(true)
    expect(existsSync(unused.folder)).toBe(false)
    await expect(store.acquire('localhost/test:two')).rejects.toThrow(/^CannotPullContainerError: /u)
  })

  it('omits devices and set-id bits of an image', async () => {
    const store = aStore()
    const reference = await serve([
      [
        { name: 'disk', type: 'block-device', devmajor: 8, devminor: 0 },
        { name: 'dev/kmsg', type: 'character-device', devmajor: 1, devminor: 11 },
        { name: 'gain', mode: 0o6755, body: 'x' },
      ],
    ])

    const image = await store.acquire(reference)

    expect(existsSync(join(image.folder, 'disk'))).toBe(false)
    expect(existsSync(join(image.folder, 'dev/kmsg'))).toBe(false)
    expect(statSync(join(image.folder, 'gain')).mode & 0o7777).toBe(0o755)
  })
})
