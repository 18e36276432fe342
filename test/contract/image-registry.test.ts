import { ECRClient } from '@aws-sdk/client-ecr'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEcrImageRegistry } from '../../src/import/registry/ecr-image-registry.ts'
import { type ImageRegistry, RegistryUnavailableError } from '../../src/import/registry/image-registry.ts'
import { readAll } from '../../src/shared/read-all.ts'
import { createMemoryImageRegistry } from '../fakes/memory-image-registry.ts'
import { digestOf } from '../fixtures/bundle-builder.ts'
import { CREDENTIALS, type FakeRegistry, startFakeRegistry } from '../fixtures/fake-registry.ts'
import { createFixedIdentity } from '../fixtures/fixed-identity.ts'
import { describeImageRegistry } from './image-registry.contract.ts'

const servers: FakeRegistry[] = []

async function startEcr() {
  const server = await startFakeRegistry()
  servers.push(server)
  const ecr = new ECRClient({
    endpoint: server.url,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  })
  const identity = createFixedIdentity()
  const pauses: number[] = []
  const pause = async (milliseconds: number) => pauses.push(milliseconds)
  const registry = createEcrImageRegistry({
    ecr,
    registryUrl: server.url,
    tags: { application: 'lab-engine' },
    now: identity.now,
    pause,
  })
  return { server, identity, registry, pauses }
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

describeImageRegistry('memory', async () => {
  const registry = createMemoryImageRegistry()
  return { registry, manifest: registry.manifest, blob: registry.blob }
})

describeImageRegistry('ECR', async () => {
  const { registry, server } = await startEcr()
  return { registry, manifest: server.manifest, blob: server.blob }
})

/** Number of chunks of a blob that exceeds the memory buffer. */
const MANY = 80

describe('ECR', () => {
  const repository = 'tasks/example'
  let server: FakeRegistry
  let identity: ReturnType<typeof createFixedIdentity>
  let registry: ImageRegistry
  let pauses: number[]

  beforeEach(async () => {
    const started = await startEcr()
    server = started.server
    identity = started.identity
    registry = started.registry
    pauses = started.pauses
    await registry.ensureRepository(repository)
  })

  async function* someBytes(count = 1): AsyncGenerator<Uint8Array, void, undefined> {
    for (let index = 0; index < count; index += 1) yield Buffer.alloc(64 * 1024, 'x')
  }

  const tokensAsked = (): number => server.requests.filter((line) => line === 'POST /').length - 1

  it('requests one token for concurrent calls', async () => {
    const digests = Array.from({ length: 8 }, (_, index) => digestOf(String(index)))

    await Promise.all(digests.map((digest) => registry.hasBlob(repository, digest)))

    expect(tokensAsked()).toBe(1)
  })

  it('mounts no blob if the account does not allow it', async () => {
    server.refuseMounts()
    const { digest } = await registry.pushBlob(repository, someBytes())
    await registry.ensureRepository('tasks/other')

    expect(await registry.mountBlob('tasks/other', digest, repository)).toBe(false)
    expect(await registry.hasBlob('tasks/other', digest)).toBe(false)
  })

  it('reads a blob through a redirect, without sending its credentials to the other host', async () => {
    const { digest } = await registry.pushBlob(repository, someBytes())
    server.uploadsAt('other-origin')

    const bytes = await registry.readBlob(repository, digest)

    expect(digestOf(await readAll(bytes ?? []))).toBe(digest)
    expect(server.uploadCredentials.at(-1)).toBeUndefined()
  })

  it('retries the read of a blob when the registry is busy, and throws when it refuses', async () => {
    const { digest } = await registry.pushBlob(repository, someBytes())
    server.answerOnce(/^GET .*blobs/u, 503)

    const bytes = await registry.readBlob(repository, digest)
    server.answerOnce(/^GET .*blobs/u, 403)

    expect(digestOf(await readAll(bytes ?? []))).toBe(digest)
    await expect(registry.readBlob(repository, digest)).rejects.toMatchObject({
      error: 'REGISTRY_PUSHING_TASK_IMAGE_FAILED',
    })
  })

  it('creates repositories with image scanning and immutable tags', () => {
    expect(server.repositories).toEqual([
      {
        repositoryName: repository,
        imageTagMutability: 'IMMUTABLE',
        imageScanningConfiguration: { scanOnPush: true },
        tags: [
          { Key: 'application', Value: 'lab-engine' },
          { Key: 'app-engine:managed', Value: 'true' },
        ],
      },
    ])
  })

  it('requests a token once, and a new one shortly before it expires', async () => {
    await registry.pushBlob(repository, someBytes())
    await registry.pushBlob(repository, someBytes())
    const before = tokensAsked()
    identity.advance(11.75 * 3600)
    await registry.pushBlob(repository, someBytes())

    expect(before).toBe(1)
    expect(tokensAsked()).toBeGreaterThan(1)
  })

  it.each(['relative', 'absolute'] as const)('continues an upload at a %s location', async (place) => {
    server.uploadsAt(place)

    const { digest } = await registry.pushBlob(repository, someBytes(MANY))

    expect(server.blob(repository, digest)).toBeDefined()
    expect(server.uploadCredentials).toEqual([`Basic ${CREDENTIALS}`, `Basic ${CREDENTIALS}`])
  })

  it('sends no credentials to other hosts', async () => {
    server.uploadsAt('other-origin')

    const { digest } = await registry.pushBlob(repository, someBytes(MANY))

    expect(server.blob(repository, digest)).toBeDefined()
    expect(server.uploadCredentials).toEqual([undefined, undefined])
  })

  it.each([
    ['POST', /^POST \/v2/u],
    ['PATCH', /^PATCH/u],
    ['PUT', /^PUT/u],
  ])('reports why the registry refuses %s', async (_, request) => {
    const body = JSON.stringify({ errors: [{ code: 'DENIED', message: 'not yours' }] })
    server.answerOnce(request, 403, body)

    await expect(registry.pushBlob(repository, someBytes(MANY))).rejects.toMatchObject({
      error: 'REGISTRY_PUSHING_TASK_IMAGE_FAILED',
      details: { description: expect.stringContaining('403 DENIED: not yours') },
    })
  })

  it('sends a blob of known digest in one request with its length', async () => {
    const { digest, sizeBytes } = await aBlob(someBytes(MANY))

    await registry.pushNamedBlob(repository, { digest, sizeBytes }, someBytes(MANY))

    expect(sentBodies()).toHaveLength(1)
    expect(server.blob(repository, digest)).toBeDefined()
  })

  it('mounts a blob of known digest that another repository has, and does not send it', async () => {
    await registry.ensureRepository('tasks/other')
    const blob = await registry.pushBlob('tasks/other', someBytes(MANY))
    const before = sentBodies().length

    expect(await registry.pushNamedBlob(repository, blob, someBytes(MANY))).toBe(true)
    expect(await registry.pushNamedBlob(repository, blob, someBytes(MANY))).toBe(true)

    expect(sentBodies()).toHaveLength(before)
    expect(server.blob(repository, blob.digest)).toBeDefined()
  })

  it('starts the upload of an unknown blob with one request', async () => {
    const blob = await aBlob(someBytes(MANY))
    const before = server.requests.length

    await registry.pushNamedBlob(repository, blob, someBytes(MANY))

    const asked = server.requests.slice(before).filter((line) => line !== 'POST /')
    expect(asked.map((line) => line.split(' ')[0])).toEqual(['HEAD', 'POST', 'PUT'])
  })

  it.each([400, 403, 404, 405])(
    'sends a blob of known digest when its mount is refused with %d',
    async (status) => {
      const blob = await aBlob(someBytes(MANY))
      server.answerOnce(/^POST .*mount=/u, status)

      expect(await registry.pushNamedBlob(repository, blob, someBytes(MANY))).toBe(true)

      expect(server.blob(repository, blob.digest)).toBeDefined()
    },
  )

  it('throws an error of the source even after the registry has stored the blob', async () => {
    const blob = await aBlob(someBytes(MANY))
    const failure = new Error('found out late')
    async function* late() {
      yield* someBytes(MANY)
      await expect.poll(() => server.blob(repository, blob.digest)).toBeDefined()
      throw failure
    }

    await expect(registry.pushNamedBlob(repository, blob, late())).rejects.toBe(failure)
  })

  it.each([-1, 1])('refuses a blob that is longer than announced by %d bytes', async (difference) => {
    const { digest, sizeBytes } = await aBlob(someBytes(MANY))

    const pushed = registry.pushNamedBlob(
      repository,
      { digest, sizeBytes: sizeBytes - difference },
      someBytes(MANY),
    )

    await expect(pushed).rejects.toThrow(/bytes were read; expected/u)
  })

  async function aBlob(bytes: AsyncIterable<Uint8Array>) {
    const blob = await readAll(bytes)
    return { digest: digestOf(blob), sizeBytes: blob.length }
  }

  const sentBodies = (): string[] => server.requests.filter((line) => /^(?:PATCH|PUT)/u.test(line))

  it('does not send a small blob that the registry has', async () => {
    const { digest } = await registry.pushBlob(repository, someBytes())
    const before = sentBodies().length

    const again = await registry.pushBlob(repository, someBytes())

    expect(again.digest).toBe(digest)
    expect(sentBodies()).toHaveLength(before)
  })

  it.each([
    ['HEAD', /^HEAD/u],
    ['POST', /^POST \/v2/u],
    ['PUT', /^PUT/u],
  ])('retries %s of a small blob with growing delays', async (_, request) => {
    for (const status of [503, 429, 500]) server.answerOnce(request, status)

    const { digest } = await registry.pushBlob(repository, someBytes())

    expect(server.blob(repository, digest)).toBeDefined()
    expect(pauses).toHaveLength(3)
    expect(pauses[2]).toBeGreaterThan(pauses[0] ?? 0)
  })

  it('fails after five attempts', async () => {
    for (let times = 0; times < 5; times += 1) server.answerOnce(/^PUT/u, 503)

    const pushed = registry.pushBlob(repository, someBytes())

    await expect(pushed).rejects.toBeInstanceOf(RegistryUnavailableError)
    expect(pauses).toHaveLength(4)
  })

  it.each([503, 404])('leaves the retry of a large blob after %d to the caller', async (status) => {
    server.answerOnce(/^PATCH/u, status)

    const pushed = registry.pushBlob(repository, someBytes(MANY))

    await expect(pushed).rejects.toBeInstanceOf(RegistryUnavailableError)
    expect(pauses).toEqual([])
  })

  it.each([503, 404])(
    'leaves the retry of a large blob of known digest after %d to the caller',
    async (status) => {
      const blob = await aBlob(someBytes(MANY))
      server.answerOnce(/^PUT/u, status)

      const pushed = registry.pushNamedBlob(repository, blob, someBytes(MANY))

      await expect(pushed).rejects.toBeInstanceOf(RegistryUnavailableError)
      expect(pauses).toEqual([])
    },
  )

  it('finds a large blob when the response to its upload was lost', async () => {
    const { digest } = await registry.pushBlob(repository, someBytes(MANY))
    server.answerOnce(/^PUT/u, 404)

    expect((await registry.pushBlob(repository, someBytes(MANY))).digest).toBe(digest)
  })

  it('leaves the retry of a large blob that the registry has lost to the caller', async () => {
    server.answerOnce(/^PUT/u, 404)

    const pushed = registry.pushBlob(repository, someBytes(MANY))

    await expect(pushed).rejects.toBeInstanceOf(RegistryUnavailableError)
  })

  it('gets a new token when the old one is refused', async () => {
    await registry.pushBlob(repository, someBytes())
    const before = tokensAsked()
    server.answerOnce(/^HEAD/u, 401)

    await registry.hasBlob(repository, digestOf('a'))

    expect(tokensAsked()).toBe(before + 1)
  })

  it('closes the source when the registry refuses the blob half way', async () => {
    server.answerOnce(/^PATCH/u, 413)
    let closed = false
    async function* endless() {
      try {
        for (;;) yield* someBytes()
      } finally {
        closed = true
      }
    }

    await expect(registry.pushBlob(repository, endless())).rejects.toMatchObject({
      error: 'REGISTRY_PUSHING_TASK_IMAGE_FAILED',
    })
    expect(closed).toBe(true)
  })

  it('reports that the registry cannot be reached', async () => {
    const { url } = server
    await registry.hasBlob(repository, digestOf('a'))
    await server.close()
    servers.splice(0)

    await expect(registry.hasBlob(repository, digestOf('a'))).rejects.toMatchObject({
      error: 'REGISTRY_PUSHING_TASK_IMAGE_FAILED',
      details: { description: expect.stringContaining(`no response to HEAD ${url}`) },
    })
  })

  it('reports an image that could not be removed', async () => {
    server.answerOnce(/^POST \/$/u, 200, '{"failures":[{"failureCode":"ImageReferencedByManifestList"}]}')

    await expect(registry.removeImage(repository, '1.0.0')).rejects.toThrow('ImageReferencedByManifestList')
  })
})
