import { randomBytes } from 'node:crypto'
import { constants, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkLayer } from '../../../../src/import/image/check-layer.ts'
import { OciFormatError } from '../../../../src/import/image/oci-format-error.ts'
import { aLayer, type Compression, compressLayer, digestOf } from '../../../fixtures/bundle-builder.ts'

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

interface Expected {
  readonly diffId: string
  readonly digest?: string
  readonly chunkBytes?: number
}

async function pass(bytes: Buffer, { diffId, digest, chunkBytes = 10_000 }: Expected) {
  const file = { name: 'layer', ...(digest !== undefined && { digest }) }
  const layer = checkLayer({ ...file, diffId }, { start: bytes, bytes: inChunks(bytes, chunkBytes) })
  const chunks: Uint8Array[] = []
  for await (const chunk of layer.bytes) chunks.push(chunk)
  return {
    compression: layer.compression,
    bytes: Buffer.concat(chunks),
    contentBytes: layer.contentBytes(),
  }
}

async function refusal(bytes: Buffer, expected: Expected): Promise<string | undefined> {
  try {
    await pass(bytes, expected)
    return undefined
  } catch (error) {
    if (error instanceof OciFormatError) return error.code
    throw error
  }
}

/** RFC 8878, 3.1.2. */
const SKIPPABLE_FRAME = Buffer.concat([Buffer.from('5e2a4d1805000000', 'hex'), Buffer.from('notes')])

describe('layers', () => {
  let layer: Buffer

  beforeAll(async () => {
    layer = await aLayer(randomBytes(40_000).toString('hex'))
  })

  it.each<Compression>(['none', 'gzip', 'zstd'])(
    'are passed on unchanged when they are valid (%s)',
    async (compression) => {
      const file = compressLayer(layer, compression)

      const passed = await pass(file, { diffId: digestOf(layer), digest: digestOf(file) })

      expect(passed).toEqual({ compression, bytes: file, contentBytes: layer.length })
    },
  )

  it.each<Compression>(['none', 'gzip', 'zstd'])(
    'are refused when the diff id is wrong (%s)',
    async (compression) => {
      const code = await refusal(compressLayer(layer, compression), { diffId: digestOf('other') })

      expect(code).toBe('digest-mismatch')
    },
  )

  it('are refused when the digest of a plain file is wrong', async () => {
    const code = await refusal(layer, { diffId: digestOf(layer), digest: digestOf('other') })

    expect(code).toBe('digest-mismatch')
  })

  it.each<Compression>(['gzip', 'zstd'])('are refused when truncated (%s)', async (compression) => {
    const file = compressLayer(layer, compression)

    expect(await refusal(file.subarray(0, -3), { diffId: digestOf(layer) })).toBe('corrupt-layer')
  })

  it.each<Compression>(['gzip', 'zstd'])('are refused when other bytes follow (%s)', async (compression) => {
    const file = Buffer.concat([compressLayer(layer, compression), randomBytes(50_000)])

    expect(await refusal(file, { diffId: digestOf(layer) })).toBe('corrupt-layer')
  })

  it.each([1, 100_000])(
    'are refused when zeros follow the end of a gzip layer, in chunks of %i bytes',
    async (chunkBytes) => {
      const file = Buffer.concat([compressLayer(layer, 'gzip'), Buffer.alloc(512)])

      const passing = pass(file, { diffId: digestOf(layer), chunkBytes })

      await expect(passing).rejects.toThrow('there are bytes after its end; save the image again')
    },
  )

  it.each<Compression>(['none', 'gzip', 'zstd'])(
    'are refused when they contain no tar (%s)',
    async (compression) => {
      for (const content of ['text '.repeat(500), 'short', '\0']) {
        const file = compressLayer(Buffer.from(content), compression)

        expect(await refusal(file, { diffId: digestOf(content) })).toBe('corrupt-layer')
      }
    },
  )

  it.each<Compression>(['none', 'gzip', 'zstd'])('may be empty (%s)', async (compression) => {
    for (const content of [Buffer.alloc(0), Buffer.alloc(1024)]) {
      const file = compressLayer(content, compression)

      expect(await refusal(file, { diffId: digestOf(content) })).toBeUndefined()
    }
  })

  it.each([
    ['bzip2', '425a6839314159'],
    ['xz', 'fd377a585a0000'],
  ])('are refused when they are compressed with %s', async (_, hex) => {
    const code = await refusal(Buffer.from(hex, 'hex'), { diffId: digestOf(layer) })

    expect(code).toBe('unsupported-compression')
  })

  // Decoders write to buffers of 2 MiB, which are released when full.
  it.each(
    (['gzip', 'zstd'] as const).flatMap((compression) =>
      [-1, 0, 1].map((more): [Compression, number] => [compression, 4 * 1024 ** 2 + more]),
    ),
  )('may end at a buffer of their decoder (%s, %d bytes)', async (compression, sizeBytes) => {
    const content = Buffer.concat([layer, randomBytes(sizeBytes - layer.length)])

    const passed = await pass(compressLayer(content, compression), { diffId: digestOf(content) })

    expect(passed.contentBytes).toBe(sizeBytes)
  })

  it('may have several gzip members', async () => {
    const parts = [layer.subarray(0, 30_000), layer.subarray(30_000)]
    const file = Buffer.concat(parts.map((part) => compressLayer(part, 'gzip')))

    expect(await refusal(file, { diffId: digestOf(layer) })).toBeUndefined()
  })

  it('may have several zstd frames, however they are split into chunks', async () => {
    const cuts = fc.array(fc.nat(layer.length), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(cuts, fc.integer({ min: 1, max: 60_000 }), async (places, chunkBytes) => {
        const ends = [...places.toSorted((a, b) => a - b), layer.length]
        const frames = ends.map((end, index) => layer.subarray(ends[index - 1] ?? 0, end))
        const file = Buffer.concat(frames.flatMap((part) => [zstdCompressSync(part), SKIPPABLE_FRAME]))

        const passed = await pass(file, { diffId: digestOf(layer), chunkBytes: Math.max(chunkBytes, 50) })

        expect(passed.contentBytes).toBe(layer.length)
      }),
      { numRuns: 25 },
    )
  })

  it('are refused when their zstd window exceeds 32 MiB', async () => {
    const compress = (windowLog: number) =>
      zstdCompressSync(Buffer.alloc(2 ** 26 + 1), { params: { [constants.ZSTD_c_windowLog]: windowLog } })

    await expect(pass(compress(26), { diffId: '' })).rejects.toThrow('level of at most 19 and without --long')
    await expect(pass(compress(25), { diffId: 'sha256:x' })).rejects.toThrow('diff id')
  })

  it('may start with a skippable zstd frame', async () => {
    const file = Buffer.concat([SKIPPABLE_FRAME, compressLayer(layer, 'zstd')])

    const passed = await pass(file, { diffId: digestOf(layer), chunkBytes: 7 })

    expect(passed.compression).toBe('zstd')
  })
})
