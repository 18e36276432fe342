import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FREE_BYTES } from '../../../edge/limits.ts'
import { discardBody, readAhead } from '../../../edge/read-ahead.ts'

const { signal } = new AbortController()

describe('reading ahead', () => {
  it('returns a small body whole, and leaves a large one complete in its stream', async () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 30 }), { maxLength: 20 })

    const sizes = fc.constantFrom(0, FREE_BYTES - 100, FREE_BYTES, FREE_BYTES + 200)

    await fc.assert(
      fc.asyncProperty(chunks, sizes, fc.integer({ min: 1, max: 400 }), async (arrays, padded, extra) => {
        const padding = Buffer.alloc(padded, 1)
        const limit = extra + (extra % 2) * FREE_BYTES
        const whole = Buffer.concat([...arrays, padding])
        const body = Readable.from(
          [...arrays, padding].map((array) => Buffer.from(array)),
          { objectMode: false },
        )

        const small = await readAhead(body, {
          limitBytes: limit,
          reserve: (needed) => setImmediate(Math.min(limit, needed + FREE_BYTES)),
          signal,
        })

        expect(small !== undefined).toBe(whole.length <= limit)
        expect((small ?? (await buffer(body))).equals(whole)).toBe(true)
      }),
      { numRuns: 200, seed: 2 },
    )
  })

  it('reads at most the free bytes before its reservation, and loses none', async () => {
    const { promise: reserved, resolve: grant } = Promise.withResolvers<number>()
    const pieces = Array.from({ length: 64 }, (_, at) => Buffer.alloc(1024, at))
    let given = 0
    const body = new Readable({
      highWaterMark: 1,
      read() {
        this.push(pieces[given] ?? null)
        given += 1
      },
    })
    const asked = Promise.withResolvers<void>()
    const reserve = (): Promise<number> => {
      asked.resolve()
      return reserved
    }

    const read = readAhead(body, { limitBytes: 1e6, reserve, signal })
    await asked.promise
    const givenBefore = given
    grant(1e6)

    expect(givenBefore * 1024).toBeLessThanOrEqual(FREE_BYTES + 2 * 1024)
    expect((await read)?.equals(Buffer.concat(pieces))).toBe(true)
  })

  it('fails when its signal is aborted, or its reservation fails', async () => {
    const controller = new AbortController()
    const stalled = new Readable({ read() {} })
    const read = readAhead(stalled, { limitBytes: 9, reserve: async () => 1e6, signal: controller.signal })
    controller.abort(new Error('stalled'))
    await expect(read).rejects.toThrow('stalled')

    const large = Readable.from([Buffer.alloc(FREE_BYTES + 1)], { objectMode: false })
    const reserve = (): Promise<number> => Promise.reject(new Error('overloaded'))
    await expect(readAhead(large, { limitBytes: 1e6, reserve, signal })).rejects.toThrow('overloaded')
    expect(stalled.destroyed || large.destroyed).toBe(false)
  })

  it('fails when the body ends early', async () => {
    const body = new Readable({ read() {} })
    body.push('half')
    void setImmediate().then(() => body.destroy(new Error('aborted')))

    await expect(readAhead(body, { limitBytes: 100, reserve: async () => 1e6, signal })).rejects.toThrow(
      'aborted',
    )
  })
})

describe('discarding', () => {
  it('reads a body to its end, unless the body is longer than the limit or ends early', async () => {
    const of = (size: number): Readable => Readable.from([Buffer.alloc(size)], { objectMode: false })
    const broken = new Readable({ read() {} })
    void setImmediate().then(() => broken.destroy())

    await expect(discardBody(of(100), 100, signal)).resolves.toBeUndefined()
    await expect(discardBody(of(101), 100, signal)).rejects.toThrow(/method allows none/u)
    await expect(discardBody(broken, 100, signal)).rejects.toThrow('ended early')
  })
})
