import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { checkLayer } from '../../../../src/import/image/check-layer.ts'
import { FRAME_BYTES, zstdLayer } from '../../../../src/import/image/zstd-layer.ts'
import { createSemaphore, type Semaphore } from '../../../../src/shared/semaphore.ts'
import { digestOf } from '../../../fixtures/bundle-builder.ts'

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function compressed(
  bytes: Buffer,
  chunkBytes: number,
  permits: Semaphore = createSemaphore(2),
): Promise<Buffer> {
  const frames: Uint8Array[] = []
  for await (const frame of zstdLayer(inChunks(bytes, chunkBytes), permits)) frames.push(frame)
  return Buffer.concat(frames)
}

/** Digest of a layer's content, as the importer's decoder reads it. */
async function contentOf(layer: Buffer): Promise<string> {
  const checked = checkLayer({ name: 'layer' }, { start: layer, bytes: inChunks(layer, 100_000) })
  for await (const _ of checked.bytes);
  return checked.diffId()
}

/** Bytes that pass as a tar, because they start with a block of zeros. */
const aTar = (size: number): Buffer =>
  Buffer.concat([Buffer.alloc(Math.min(size, 512)), randomBytes(Math.max(size - 512, 0))])

describe('plain layers that are compressed while they are pushed', () => {
  it.each([0, 512, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES + 5])(
    'contain the same %i bytes',
    async (size) => {
      const content = Buffer.concat([aTar(Math.ceil(size / 2)), Buffer.alloc(Math.floor(size / 2))])

      const layer = await compressed(content, 300_000)

      expect(await contentOf(layer)).toBe(digestOf(content))
    },
  )

  it('are identical however the content is divided into chunks', async () => {
    const content = randomBytes(FRAME_BYTES + 1000)

    const layers = [await compressed(content, 10_000), await compressed(content, 2_000_000)]

    expect(layers[0]?.equals(layers[1] ?? Buffer.alloc(0))).toBe(true)
  })

  it('share a few permits without a deadlock', async () => {
    const permits = createSemaphore(1)
    const contents = [1, 2, 3].map(() => aTar(2 * FRAME_BYTES))

    const layers = await Promise.all(contents.map((content) => compressed(content, 1_000_000, permits)))

    expect(await Promise.all(layers.map(contentOf))).toEqual(contents.map(digestOf))
    expect(permits.tryAcquire()).toBe(true)
  })

  it('release their permits when the reader stops', async () => {
    const permits = createSemaphore(2)

    for await (const _ of zstdLayer(inChunks(randomBytes(4 * FRAME_BYTES), 1_000_000), permits)) break

    expect([permits.tryAcquire(), permits.tryAcquire()]).toEqual([true, true])
  })
})
