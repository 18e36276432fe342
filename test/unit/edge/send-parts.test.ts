import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PARTS_HELD, sendParts } from '../../../edge/send-parts.ts'

/** Stores copies of the parts, because their buffers are reused. */
function aSink(onPart: (partNumber: number) => Promise<void> = async () => {}) {
  const parts = new Map<number, Buffer>()
  let sending = 0
  let most = 0
  return {
    parts,
    mostAtOnce: () => most,
    async send(partNumber: number, bytes: Buffer): Promise<void> {
      sending += 1
      most = Math.max(most, sending)
      try {
        await onPart(partNumber)
        parts.set(partNumber, Buffer.from(bytes))
      } finally {
        sending -= 1
      }
    },
  }
}

const arriving = (chunks: Iterable<Buffer> | AsyncIterable<Buffer>): Readable =>
  Readable.from(chunks, { objectMode: false })

/** Larger than the buffer of a stream. */
const PART_BYTES = 128 * 1024

describe('sending parts', () => {
  it('splits any bytes into parts of one size, in order', async () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 })

    await fc.assert(
      fc.asyncProperty(chunks, fc.integer({ min: 1, max: 70 }), async (arrays, partSizeBytes) => {
        const buffers = arrays.map((array) => Buffer.from(array))
        const { parts, send, mostAtOnce } = aSink()

        await sendParts(arriving(buffers), {
          partSizeBytes,
          send,
          spare: [],
          controller: new AbortController(),
        })

        const sizes = [...parts].toSorted(([one], [other]) => one - other)
        expect(sizes.map(([number]) => number)).toEqual(sizes.map((_, index) => index + 1))
        expect(sizes.slice(0, -1).every(([, { length }]) => length === partSizeBytes)).toBe(true)
        const whole = Buffer.concat(buffers)
        expect(Buffer.concat(sizes.map(([, bytes]) => bytes)).equals(whole)).toBe(true)
        expect(sizes.length).toBe(Math.max(1, Math.ceil(whole.length / partSizeBytes)))
        expect(mostAtOnce()).toBeLessThanOrEqual(PARTS_HELD)
      }),
      { numRuns: 200, seed: 1 },
    )
  })

  it('buffers a bounded number of parts, and reads no more while they are sent', async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>()
    const heldBack = Promise.withResolvers<void>()
    const sink = aSink((partNumber) => {
      if (partNumber === PARTS_HELD) heldBack.resolve()
      return opened
    })
    let read = 0
    const bytes = async function* (): AsyncGenerator<Buffer> {
      for (; read < 100; read += 1) yield Buffer.alloc(PART_BYTES)
    }
    const spare: Buffer[] = []

    const sent = sendParts(arriving(bytes()), {
      partSizeBytes: PART_BYTES,
      send: sink.send,
      spare,
      controller: new AbortController(),
    })
    await heldBack.promise
    const readWhileHeld = read
    open()
    await sent

    // The streams in between buffer a few more.
    expect(readWhileHeld).toBeLessThanOrEqual(PARTS_HELD + 4)
    expect(sink.mostAtOnce()).toBe(PARTS_HELD)
    expect(spare.length).toBe(PARTS_HELD)
  })

  it('reuses the buffers of an earlier file with the same part size', async () => {
    const fitting = Buffer.alloc(10)
    const spare = [Buffer.alloc(5), fitting]
    const options = { partSizeBytes: 10, send: async () => {}, spare, controller: new AbortController() }

    await sendParts(arriving([Buffer.alloc(10)]), options)

    expect(spare).toHaveLength(2)
    expect(spare[1]).toBe(fitting)
  })

  it('fails with the first error after all parts in progress have ended', async () => {
    const controller = new AbortController()
    const failure = new Error('part 2 failed')
    const ended: number[] = []
    const send = async (partNumber: number): Promise<void> => {
      if (partNumber === 2) throw failure
      await new Promise((resolve) => controller.signal.addEventListener('abort', resolve))
      ended.push(partNumber)
      throw new Error('aborted')
    }

    const sent = sendParts(arriving([Buffer.alloc(100)]), { partSizeBytes: 10, send, spare: [], controller })

    await expect(sent).rejects.toBe(failure)
    expect(ended).toEqual([1])
  })
})
