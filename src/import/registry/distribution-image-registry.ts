import type { Pause } from '../../shared/retry.ts'
import { createDistributionClient } from './distribution-client.ts'
import type { ImageRegistry } from './image-registry.ts'
import { createChallengeAuthorization, type RegistryCredentials } from './registry-authorization.ts'

interface DistributionImageRegistryOptions {
  /** Scheme and host. */
  readonly registryUrl: string
  /** Anonymous when absent. */
  readonly credentials?: RegistryCredentials
  /** Waits before a retry; replaced in tests. */
  readonly pause?: Pause
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** Any registry that follows the distribution specification; a repository is created by its first blob. */
export function createDistributionImageRegistry({
  registryUrl,
  credentials,
  ...rest
}: DistributionImageRegistryOptions): ImageRegistry {
  const authorization = createChallengeAuthorization(credentials)
  const client = createDistributionClient({ registryUrl, authorization, ...rest })
  return {
    ensureRepository: async () => {},
    hasBlob: client.hasBlob,
    pushBlob: client.pushBlob,
    pushNamedBlob: client.pushNamedBlob,
    mountBlob: client.mountBlob,
    readBlob: client.readBlob,
    pushManifest: client.pushManifest,
    async removeImage(repository, tag) {
      const digest = await client.findManifest(repository, tag, MANIFEST)
      if (digest !== undefined) await client.removeManifest(repository, digest)
    },
    reference: (repository, digest) => `${new URL(registryUrl).host}/${repository}@${digest}`,
  }
}
