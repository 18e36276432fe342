import { beforeEach, describe, expect, it } from 'vitest'
import type { ImageRegistry } from '../../src/import/registry/image-registry.ts'
import { readAll } from '../../src/shared/read-all.ts'
import { digestOf } from '../fixtures/bundle-builder.ts'

interface ImageRegistryHarness {
  readonly registry: ImageRegistry
  /** Bytes of the manifest in the registry; undefined when it is missing. */
  readonly manifest: (repository: string, digest: string) => Buffer | undefined
  readonly blob: (repository: string, digest: string) => Buffer | undefined
}

const REPOSITORY = 'tasks/com-example-addition'
const MEDIA_TYPE = 'application/vnd.oci.image.manifest.v1+json'

async function* bytesOf(...texts: string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const text of texts) yield Buffer.from(text)
}

/** Contract of every image registry. `setUp` returns an empty one for each test. */
export function describeImageRegistry(adapter: string, setUp: () => Promise<ImageRegistryHarness>): void {
  describe(`image registry (${adapter})`, () => {
    let harness: ImageRegistryHarness
    let registry: ImageRegistry

    beforeEach(async () => {
      harness = await setUp()
      registry = harness.registry
      await registry.ensureRepository(REPOSITORY)
    })

    async function pushImage(content: string, tag: string): Promise<string> {
      const config = await registry.pushBlob(REPOSITORY, bytesOf(content))
      const manifest = Buffer.from(JSON.stringify({ config, layers: [config] }))
      return await registry.pushManifest(REPOSITORY, tag, manifest, MEDIA_TYPE)
    }

    it('stores a blob and returns its digest and size', async () => {
      const blob = await registry.pushBlob(REPOSITORY, bytesOf('some ', 'bytes'))

      expect(blob).toEqual({ digest: digestOf('some bytes'), sizeBytes: 10 })
      expect(harness.blob(REPOSITORY, blob.digest)?.toString()).toBe('some bytes')
    })

    it('stores an empty blob and a large one', async () => {
      const chunk = 'x'.repeat(100_000)

      const empty = await registry.pushBlob(REPOSITORY, bytesOf())
      const large = await registry.pushBlob(REPOSITORY, bytesOf(...Array<string>(50).fill(chunk)))

      expect(empty.sizeBytes).toBe(0)
      expect(large).toEqual({ digest: digestOf(chunk.repeat(50)), sizeBytes: 5_000_000 })
    })

    it.each([1, 50])('stores a blob of %d chunks only if it matches its digest', async (pieces) => {
      const chunk = 'x'.repeat(100_000)
      const bytes = () => bytesOf(...Array<string>(pieces).fill(chunk))
      const sizeBytes = pieces * chunk.length
      const right = { digest: digestOf(chunk.repeat(pieces)), sizeBytes }
      const wrong = { digest: digestOf('other'), sizeBytes }

      expect(await registry.pushNamedBlob(REPOSITORY, wrong, bytes())).toBe(false)
      expect(await registry.hasBlob(REPOSITORY, wrong.digest)).toBe(false)
      expect(await registry.pushNamedBlob(REPOSITORY, right, bytes())).toBe(true)
      expect(await registry.hasBlob(REPOSITORY, right.digest)).toBe(true)
    })

    it('knows which blobs a repository has', async () => {
      const { digest } = await registry.pushBlob(REPOSITORY, bytesOf('some bytes'))

      expect(await registry.hasBlob(REPOSITORY, digest)).toBe(true)
      expect(await registry.hasBlob(REPOSITORY, digestOf('other'))).toBe(false)
      expect(await registry.hasBlob('tasks/unknown', digest)).toBe(false)
    })

    it.each(['tasks/other', REPOSITORY])(
      'verifies the bytes of a blob that %s already has',
      async (owner) => {
        const chunks = Array<string>(50).fill('x'.repeat(100_000))
        const others = Array<string>(50).fill('y'.repeat(100_000))
        await registry.ensureRepository(owner)
        const blob = await registry.pushBlob(owner, bytesOf(...chunks))

        expect(await registry.pushNamedBlob(REPOSITORY, blob, bytesOf(...others))).toBe(false)
        expect(await registry.pushNamedBlob(REPOSITORY, blob, bytesOf(...chunks))).toBe(true)
        expect(await registry.hasBlob(REPOSITORY, blob.digest)).toBe(true)
      },
    )

    it('mounts a blob of another repository, but not a missing one', async () => {
      await registry.ensureRepository('tasks/other')
      const blob = await registry.pushBlob('tasks/other', bytesOf('some bytes'))

      expect(await registry.mountBlob(REPOSITORY, digestOf('never sent'), 'tasks/other')).toBe(false)
      expect(await registry.mountBlob(REPOSITORY, blob.digest, 'tasks/other')).toBe(true)
      expect(harness.blob(REPOSITORY, blob.digest)?.toString()).toBe('some bytes')
    })

    it('reads a blob, and returns nothing for a missing one', async () => {
      const chunk = 'x'.repeat(100_000)
      const blob = await registry.pushBlob(REPOSITORY, bytesOf(...Array<string>(50).fill(chunk)))

      const bytes = await registry.readBlob(REPOSITORY, blob.digest)

      expect(digestOf(await readAll(bytes ?? []))).toBe(blob.digest)
      expect(await registry.readBlob(REPOSITORY, digestOf('never sent'))).toBeUndefined()
      expect(await registry.readBlob('tasks/unknown', blob.digest)).toBeUndefined()
    })

    it('throws an error of the source, and stores no blob', async () => {
      const failure = new Error('the archive is damaged')
      async function* broken() {
        yield Buffer.from('some bytes')
        throw failure
      }
      const large = { digest: digestOf('some bytes'), sizeBytes: 10_000_000 }

      await expect(registry.pushBlob(REPOSITORY, broken())).rejects.toBe(failure)
      await expect(registry.pushNamedBlob(REPOSITORY, large, broken())).rejects.toBe(failure)
      expect(await registry.hasBlob(REPOSITORY, digestOf('some bytes'))).toBe(false)
    })

    it('returns the digest of a manifest', async () => {
      const digest = await pushImage('image', '1.0.0')

      expect(digest).toBe(digestOf(harness.manifest(REPOSITORY, digest) ?? ''))
    })

    it('accepts the same image under the same tag again', async () => {
      const first = await pushImage('image', '1.0.0')

      const second = await pushImage('image', '1.0.0')

      expect(second).toBe(first)
    })

    it('replaces the image that a crashed import has pushed under the tag', async () => {
      const left = await pushImage('left over', '1.0.0')

      const digest = await pushImage('image', '1.0.0')

      expect(harness.manifest(REPOSITORY, digest)).toBeDefined()
      expect(harness.manifest(REPOSITORY, left)).toBeUndefined()
    })

    it('removes an image with its last tag', async () => {
      const digest = await pushImage('image', '1.0.0')
      await pushImage('image', '1.0.1')

      await registry.removeImage(REPOSITORY, '1.0.0')
      const kept = harness.manifest(REPOSITORY, digest)
      await registry.removeImage(REPOSITORY, '1.0.1')

      expect(kept).toBeDefined()
      expect(harness.manifest(REPOSITORY, digest)).toBeUndefined()
    })

    it('ignores the removal of a missing image', async () => {
      await registry.removeImage(REPOSITORY, 'never-there')
      await registry.removeImage('tasks/unknown', '1.0.0')
    })

    it('leaves an existing repository unchanged when it is created again', async () => {
      const { digest } = await registry.pushBlob(REPOSITORY, bytesOf('some bytes'))

      await registry.ensureRepository(REPOSITORY)

      expect(await registry.hasBlob(REPOSITORY, digest)).toBe(true)
    })

    it('refuses a manifest of unknown blobs, and blobs for an unknown repository', async () => {
      const unknown = { digest: digestOf('never sent') }
      const manifest = Buffer.from(JSON.stringify({ config: unknown, layers: [] }))
      const refusal = { error: 'REGISTRY_PUSHING_TASK_IMAGE_FAILED' }

      await expect(registry.pushManifest(REPOSITORY, '1', manifest, MEDIA_TYPE)).rejects.toMatchObject(
        refusal,
      )
      await expect(registry.pushBlob('tasks/unknown', bytesOf('x'))).rejects.toMatchObject(refusal)
    })

    it('names images by digest', () => {
      const reference = registry.reference(REPOSITORY, digestOf('image'))

      expect(reference).toMatch(/^[^/]+\/tasks\/com-example-addition@sha256:[0-9a-f]{64}$/u)
    })
  })
}
