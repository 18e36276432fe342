import { createHash } from 'node:crypto'
import { DomainError } from '../../src/contract/errors.ts'
import type { ImageRegistry } from '../../src/import/registry/image-registry.ts'

interface Repository {
  readonly blobs: Map<string, Buffer>
  /** By digest. */
  readonly manifests: Map<string, Buffer>
  /** Digests by tag. */
  readonly tags: Map<string, string>
}

interface Manifest {
  readonly config: { readonly digest: string }
  readonly layers: readonly { readonly digest: string }[]
}

/** Image registry with functions for tests. */
export interface MemoryImageRegistry extends ImageRegistry {
  /** Names of all images, as `repository:tag`, sorted. */
  images(): string[]
  manifest(repository: string, digest: string): Buffer | undefined
  blob(repository: string, digest: string): Buffer | undefined
  /** Removes a blob, as a registry does after the removal of the last image that contains it. */
  lose(repository: string, digest: string): void
}

async function* bytesOf(blob: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  yield blob
}

/** In-memory image registry for tests. Without `mounts` it behaves like ECR without the account setting BLOB_MOUNTING. */
export function createMemoryImageRegistry({ mounts = true } = {}): MemoryImageRegistry {
  const repositories = new Map<string, Repository>()
  const repositoryOf = (name: string): Repository => {
    const repository = repositories.get(name)
    if (repository === undefined) throw pushError(`there is no repository ${name}`)
    return repository
  }

  return {
    async ensureRepository(name) {
      if (repositories.has(name)) return
      repositories.set(name, { blobs: new Map(), manifests: new Map(), tags: new Map() })
    },

    async hasBlob(name, digest) {
      return repositories.get(name)?.blobs.has(digest) ?? false
    },

    async pushBlob(name, bytes) {
      const { blobs } = repositoryOf(name)
      const chunks: Uint8Array[] = []
      for await (const chunk of bytes) chunks.push(chunk)
      const blob = Buffer.concat(chunks)
      blobs.set(digestOf(blob), blob)
      return { digest: digestOf(blob), sizeBytes: blob.length }
    },

    async pushNamedBlob(name, { digest }, bytes) {
      const { blobs } = repositoryOf(name)
      const chunks: Uint8Array[] = []
      for await (const chunk of bytes) chunks.push(chunk)
      const blob = Buffer.concat(chunks)
      if (digestOf(blob) !== digest) return false
      blobs.set(digest, blob)
      return true
    },

    async mountBlob(name, digest, from) {
      const blob = repositories.get(from)?.blobs.get(digest)
      if (blob === undefined || !mounts) return false
      repositoryOf(name).blobs.set(digest, blob)
      return true
    },

    async readBlob(name, digest) {
      const blob = repositories.get(name)?.blobs.get(digest)
      return blob === undefined ? undefined : bytesOf(blob)
    },

    async pushManifest(name, tag, manifest) {
      const { blobs, manifests, tags } = repositoryOf(name)
      const { config, layers } = JSON.parse(Buffer.from(manifest).toString('utf8')) as Manifest
      for (const { digest } of [config, ...layers]) {
        if (!blobs.has(digest)) throw pushError(`the manifest names the unknown blob ${digest}`)
      }
      const digest = digestOf(manifest)
      const replaced = tags.get(tag)
      if (replaced !== undefined && replaced !== digest) manifests.delete(replaced)
      manifests.set(digest, Buffer.from(manifest))
      tags.set(tag, digest)
      return digest
    },

    async removeImage(name, tag) {
      const repository = repositories.get(name)
      const digest = repository?.tags.get(tag)
      if (repository === undefined || digest === undefined) return
      repository.tags.delete(tag)
      if (![...repository.tags.values()].includes(digest)) repository.manifests.delete(digest)
    },

    reference: (name, digest) => `registry.invalid/${name}@${digest}`,
    images: () =>
      [...repositories].flatMap(([name, { tags }]) => [...tags.keys()].map((tag) => `${name}:${tag}`)).sort(),
    manifest: (name, digest) => repositories.get(name)?.manifests.get(digest),
    blob: (name, digest) => repositories.get(name)?.blobs.get(digest),
    lose: (name, digest) => void repositories.get(name)?.blobs.delete(digest),
  }
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function pushError(description: string): DomainError {
  return new DomainError('REGISTRY_PUSHING_TASK_IMAGE_FAILED', {
    type: 'related',
    parameterName: 'image',
    description,
  })
}
