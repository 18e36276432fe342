import {
  BatchGetImageCommand,
  type ECRClient,
  ListImagesCommand,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr'
import * as z from 'zod'
import { pagesOf } from '../../src/shared/pages.ts'
import type { Blobs } from './blobs.ts'

/** A blob without a manifest may belong to an import in progress. Imports end within this time. */
const GRACE_MS = 60 * 60 * 1000

const manifestSchema = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(
    z.object({
      config: z.object({ digest: z.string() }).optional(),
      layers: z.array(z.object({ digest: z.string() })).default([]),
    }),
  )

/** Removes blobs that no image of their repository uses, as ECR does after images were deleted. */
export async function removeUnusedBlobs(blobs: Blobs, ecr: ECRClient, nowMs: number): Promise<void> {
  for (const [repository, digests] of blobs.storedBefore(nowMs - GRACE_MS)) {
    const used = await usedBlobs(ecr, repository)
    for (const digest of digests) if (!used.has(digest)) await blobs.remove(repository, digest)
  }
}

async function usedBlobs(ecr: ECRClient, repository: string): Promise<ReadonlySet<string>> {
  const used = new Set<string>()
  try {
    const pages = pagesOf(
      (nextToken) => ecr.send(new ListImagesCommand({ repositoryName: repository, nextToken })),
      ({ nextToken }) => nextToken,
    )
    for await (const { imageIds = [] } of pages) {
      if (imageIds.length === 0) continue
      const { images = [] } = await ecr.send(
        new BatchGetImageCommand({ repositoryName: repository, imageIds: [...imageIds] }),
      )
      for (const { imageManifest = '{}' } of images) {
        const { config, layers } = manifestSchema.parse(imageManifest)
        for (const blob of [config, ...layers]) if (blob !== undefined) used.add(blob.digest)
      }
    }
  } catch (error) {
    if (!(error instanceof RepositoryNotFoundException)) throw error
  }
  return used
}
