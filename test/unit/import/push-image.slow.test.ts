import { describe, expect, it } from 'vitest'
import { openZip } from '../../../src/archive/zip/read-zip.ts'
import { OciFormatError } from '../../../src/import/image/oci-format-error.ts'
import { pushImage } from '../../../src/import/push-image.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import type { ImportedLayer } from '../../../src/upload/upload.ts'
import { createMemoryImageRegistry } from '../../fakes/memory-image-registry.ts'
import { aLayer, type Compression, dockerArchive, packTar, packZip } from '../../fixtures/bundle-builder.ts'

/** Four layers, each slightly larger than 1 MiB, that compress well. */
const layers = await Promise.all([1, 2, 3, 4].map((byte) => aLayer(Buffer.alloc(1024 ** 2, byte))))
const contentBytes = layers.reduce((sum, { length }) => sum + length, 0)

async function push(options: {
  readonly compression: Compression
  readonly isStored: boolean
  readonly maxUnpackedBytes: number
  readonly known?: readonly ImportedLayer[]
  readonly registry?: ReturnType<typeof createMemoryImageRegistry>
}) {
  const {
    compression,
    isStored,
    maxUnpackedBytes,
    known = [],
    registry = createMemoryImageRegistry(),
  } = options
  const image = await packTar(await dockerArchive({ layers, compression }))
  const zip = await openZip(
    bufferSource(await packZip([{ name: 'image.tar', body: image }], { compress: !isStored })),
  )
  const sent = new Map<string, ImportedLayer>()
  const pushed = await pushImage({
    registry,
    repository: 'tasks/a',
    zip,
    entry: zip.entries[0] as never,
    wantedTag: '',
    held: new Map(),
    maxUnpackedBytes,
    mountPoints: ['/inputs', '/outputs'],
    known,
    record: async (facts) => {
      for (const layer of facts.layers) sent.set(layer.file, layer)
    },
    pause: async () => {},
    signal: new AbortController().signal,
  })
  return { pushed, sent: [...sent.values()], registry }
}

describe.each([
  ['stored', true],
  ['deflated', false],
])('an image in an archive that is %s,', (_, isStored) => {
  describe.each<Compression>(['none', 'gzip', 'zstd'])(
    'with layers that are compressed as %s,',
    (compression) => {
      it('may have the size of the largest disk, all layers unpacked', async () => {
        const { pushed } = await push({ compression, isStored, maxUnpackedBytes: contentBytes })

        expect(pushed.size.unpackedBytes).toBe(contentBytes)
        expect(pushed.size.packedBytes).toBeLessThan(contentBytes / 10)
      })

      it('is refused when its layers together unpack to more', async () => {
        const pushing = push({ compression, isStored, maxUnpackedBytes: contentBytes - 1 })

        await expect(pushing).rejects.toThrow(OciFormatError)
        await expect(pushing).rejects.toThrow(/^the layers of the image archive unpack to over/u)
      })
    },
  )

  it('includes layers from an earlier worker in this limit', async () => {
    const whole = await push({ compression: 'gzip', isStored, maxUnpackedBytes: contentBytes })
    const [first, second] = whole.sent
    const known = [first, second].filter((layer) => layer !== undefined)

    const pushing = (maxUnpackedBytes: number) =>
      push({ compression: 'gzip', isStored, maxUnpackedBytes, known, registry: whole.registry })

    expect((await pushing(contentBytes)).pushed.size.unpackedBytes).toBe(contentBytes)
    await expect(pushing(contentBytes - 1)).rejects.toThrow(/unpack to over/u)
  })
})
