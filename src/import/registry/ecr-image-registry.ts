import { createHash } from 'node:crypto'
import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  type ECRClient,
  RepositoryAlreadyExistsException,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr'
import { ignoring } from '../../shared/ignoring.ts'
import type { Pause } from '../../shared/retry.ts'
import { createDistributionClient } from './distribution-client.ts'
import type { ImageRegistry } from './image-registry.ts'
import { createEcrAuthorization } from './registry-authorization.ts'

interface EcrImageRegistryOptions {
  readonly ecr: ECRClient
  /** `https://<account>.dkr.ecr.<region>.amazonaws.com`, or a local registry by http. */
  readonly registryUrl: string
  /** Tags of created repositories; used by `ensureRepository` only. */
  readonly tags?: Readonly<Record<string, string>>
  readonly now?: () => Date
  /** Waits before a retry; replaced in tests. */
  readonly pause?: Pause
}

/** Task images in ECR: the ECR API for repositories and removal, the distribution protocol for content. */
export function createEcrImageRegistry({
  ecr,
  registryUrl,
  tags = {},
  now,
  pause,
}: EcrImageRegistryOptions): ImageRegistry {
  const { host } = new URL(registryUrl)
  const client = createDistributionClient({
    registryUrl,
    authorization: createEcrAuthorization(ecr, now),
    ...(pause !== undefined && { pause }),
  })

  const removeImage = async (repository: string, tag: string): Promise<void> => {
    const command = new BatchDeleteImageCommand({ repositoryName: repository, imageIds: [{ imageTag: tag }] })
    const { failures = [] } = (await ignoring(ecr.send(command), RepositoryNotFoundException)) ?? {}
    const failure = failures.find(({ failureCode }) => failureCode !== 'ImageNotFound')
    if (failure === undefined) return
    throw new Error(
      `ECR did not remove ${repository}:${tag}: ${failure.failureCode} ${failure.failureReason}`,
    )
  }

  return {
    async ensureRepository(repository) {
      const allTags = Object.entries({ ...tags, 'app-engine:managed': 'true' })
      const command = new CreateRepositoryCommand({
        repositoryName: repository,
        imageTagMutability: 'IMMUTABLE',
        imageScanningConfiguration: { scanOnPush: true },
        tags: allTags.map(([Key, Value]) => ({ Key, Value })),
      })
      await ignoring(ecr.send(command), RepositoryAlreadyExistsException)
    },
    hasBlob: client.hasBlob,
    pushBlob: client.pushBlob,
    pushNamedBlob: client.pushNamedBlob,
    mountBlob: client.mountBlob,
    readBlob: client.readBlob,
    async pushManifest(repository, tag, manifest, mediaType) {
      const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`
      const present = await client.findManifest(repository, tag, mediaType)
      if (present === digest) return digest
      // Tags are immutable and the name is reserved for this import, so an existing image was pushed by an earlier, crashed
      // import.
      if (present !== undefined) await removeImage(repository, tag)
      return await client.pushManifest(repository, tag, manifest, mediaType)
    },
    removeImage,
    reference: (repository, digest) => `${host}/${repository}@${digest}`,
  }
}
