import {
  BatchGetImageCommand,
  ECRClient,
  ListImagesCommand,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr'
import { describe, expect, it, vi } from 'vitest'
import type { Blobs } from '../../../../local/storage/blobs.ts'
import { removeUnusedBlobs } from '../../../../local/storage/unused-blobs.ts'

const NOW_MS = Date.parse('2026-01-01T00:00:00Z')
const HOUR_MS = 3_600_000

/** A registry that returns one image per page. Every page has a token, which is empty on the last page. */
function aRegistry(images: Readonly<Record<string, object>>): ECRClient {
  const client = new ECRClient({ region: 'us-east-1' })
  const digests = Object.keys(images)
  vi.spyOn(client, 'send').mockImplementation(async (command: unknown) => {
    if (command instanceof ListImagesCommand) {
      const index = Number(command.input.nextToken ?? 0)
      const isLast = index >= digests.length - 1
      return { imageIds: [{ imageDigest: digests[index] }], nextToken: isLast ? '' : String(index + 1) }
    }
    if (command instanceof BatchGetImageCommand) {
      const wanted = command.input.imageIds ?? []
      return {
        images: wanted.map(({ imageDigest = '' }) => ({
          imageManifest: JSON.stringify(images[imageDigest]),
        })),
      }
    }
    throw new Error('unexpected call')
  })
  return client
}

function someBlobs(stored: Readonly<Record<string, readonly string[]>>) {
  const remove = vi.fn()
  const storedBefore = vi.fn(() => new Map(Object.entries(stored)))
  return { blobs: { storedBefore, remove } as unknown as Blobs, remove, storedBefore }
}

describe('the removal of unused blobs', () => {
  it('keeps the blobs of images on all pages', async () => {
    const { blobs, remove, storedBefore } = someBlobs({ task: ['config', 'one', 'two', 'unused'] })
    const registry = aRegistry({
      first: { config: { digest: 'config' }, layers: [{ digest: 'one' }] },
      last: { layers: [{ digest: 'two' }] },
    })

    await removeUnusedBlobs(blobs, registry, NOW_MS)

    expect(remove.mock.calls).toEqual([['task', 'unused']])
    expect(storedBefore).toHaveBeenCalledWith(NOW_MS - HOUR_MS)
  })

  it('removes all blobs of a deleted repository', async () => {
    const { blobs, remove } = someBlobs({ gone: ['one', 'two'] })
    const registry = new ECRClient({ region: 'us-east-1' })
    const error = new RepositoryNotFoundException({ message: 'no', $metadata: {} })
    vi.spyOn(registry, 'send').mockImplementation(async () => Promise.reject(error))

    await removeUnusedBlobs(blobs, registry, NOW_MS)

    expect(remove.mock.calls).toEqual([
      ['gone', 'one'],
      ['gone', 'two'],
    ])
  })

  it('removes nothing when the registry does not respond', async () => {
    const { blobs, remove } = someBlobs({ task: ['one'] })
    const registry = new ECRClient({ region: 'us-east-1' })
    vi.spyOn(registry, 'send').mockImplementation(async () => Promise.reject(new Error('no answer')))

    await expect(removeUnusedBlobs(blobs, registry, NOW_MS)).rejects.toThrow('no answer')
    expect(remove).not.toHaveBeenCalled()
  })
})
