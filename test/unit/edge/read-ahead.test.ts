import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readSmallBody } from '../../../edge/read-ahead.ts'

describe('reading ahead', () => {
  it('gives a small body whole, and puts a large one back', async () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 30 }), { maxLength: 20 })

    await fc.assert(
      fc.asyncProperty(chunks, fc.integer({ min: 1, max: 400 }), async (arrays, limit) => {
        const whole = Buffer.concat(arrays)
        const body = Readable.from(
          arrays.map((array) => Buffer.from(array)),
          { objectMode: false },
        )

        const small = await readSmallBody(body, limit)

        expect(small !== undefined).toBe(whole.length <= limit)
        expect((small ?? (await buffer(body))).equals(whole)).toBe(true)
      }),
      { numRuns: 200, seed: 2 },
    )
  })

  it('fails with a body that breaks off', async () => {
    const body = new Readable({ read() {} })
    body.push('half')
    setImmediate(() => body.destroy(new Error('aborted')))

    await expect(readSmallBody(body, 100)).rejects.toThrow('aborted')
  })
})
