import { afterEach, describe, expect, it } from 'vitest'
import { createDistributionImageRegistry } from '../../src/import/registry/distribution-image-registry.ts'
import { digestOf } from '../fixtures/bundle-builder.ts'
import { type FakeRegistry, type FakeRegistryOptions, startFakeRegistry } from '../fixtures/fake-registry.ts'

const REPOSITORY = 'tasks/example'
const MEDIA_TYPE = 'application/vnd.oci.image.manifest.v1+json'
const credentials = { username: 'AWS', password: 'secret' }
const servers: FakeRegistry[] = []

async function start(options: FakeRegistryOptions) {
  const server = await startFakeRegistry({ isPlain: true, ...options })
  servers.push(server)
  return server
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text)
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

describe('a registry that is not ECR', () => {
  it.each([
    ['anonymous', undefined],
    ['basic', credentials],
    ['bearer', credentials],
  ] as const)('accepts pushes with %s access', async (access, known) => {
    const server = await start({ access })
    const registry = createDistributionImageRegistry({
      registryUrl: server.url,
      ...(known !== undefined && { credentials: known }),
    })

    const config = await registry.pushBlob(REPOSITORY, bytesOf('config'))
    const manifest = Buffer.from(JSON.stringify({ config, layers: [] }))
    const digest = await registry.pushManifest(REPOSITORY, '1.0.0', manifest, MEDIA_TYPE)

    expect(server.manifest(REPOSITORY, digest)).toEqual(manifest)
  })

  it.each(['basic', 'bearer'] as const)('refuses calls without credentials (%s)', async (access) => {
    const server = await start({ access })
    const registry = createDistributionImageRegistry({ registryUrl: server.url })

    await expect(registry.hasBlob(REPOSITORY, digestOf('a'))).rejects.toMatchObject({
      error: 'REGISTRY_PUSHING_TASK_IMAGE_FAILED',
    })
  })

  it('gets no second call with credentials that it refuses', async () => {
    const server = await start({ access: 'basic' })
    const registry = createDistributionImageRegistry({
      registryUrl: server.url,
      credentials: { ...credentials, password: 'wrong' },
    })

    await expect(registry.hasBlob(REPOSITORY, digestOf('a'))).rejects.toMatchObject({
      details: { description: expect.stringContaining('is 401') },
    })
    expect(server.requests).toHaveLength(2)
  })

  it('accepts concurrent pushes', async () => {
    const server = await start({ access: 'bearer' })
    const registry = createDistributionImageRegistry({ registryUrl: server.url, credentials })

    const pushed = await Promise.all(
      ['a', 'b', 'c', 'd'].map((text) => registry.pushBlob(REPOSITORY, bytesOf(text))),
    )

    expect(pushed).toHaveLength(4)
  })

  it('removes an image by its tag, and ignores the removal of a missing one', async () => {
    const server = await start({ access: 'anonymous' })
    const registry = createDistributionImageRegistry({ registryUrl: server.url })
    const config = await registry.pushBlob(REPOSITORY, bytesOf('config'))
    const manifest = Buffer.from(JSON.stringify({ config, layers: [] }))
    const digest = await registry.pushManifest(REPOSITORY, '1.0.0', manifest, MEDIA_TYPE)

    await registry.removeImage(REPOSITORY, '1.0.0')
    await registry.removeImage(REPOSITORY, '1.0.0')

    expect(server.manifest(REPOSITORY, digest)).toBeUndefined()
  })
})
