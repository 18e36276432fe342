import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { objectSource } from '../../../src/aws/object-source.ts'

const OBJECT = Buffer.from('0123456789'.repeat(10))

/** A store that breaks the first connections, each after this number of bytes. */
function aBreakingStore(bytesEach: number, breaks: number) {
  let left = breaks
  const starts: number[] = []
  return {
    starts,
    read: async (_key: string, range = { start: 0, length: OBJECT.length }) => {
      starts.push(range.start)
      const end = range.start + range.length
      async function* bytes() {
        if (left === 0) yield OBJECT.subarray(range.start, end)
        else {
          left -= 1
          if (bytesEach > 0) yield OBJECT.subarray(range.start, Math.min(range.start + bytesEach, end))
          throw new Error('the connection broke')
        }
      }
      return Readable.from(bytes(), { objectMode: false })
    },
  }
}

describe('an object that is read over breaking connections', () => {
  it('is complete: each connection continues where the last one broke', async () => {
    const store = aBreakingStore(30, 2)

    const bytes = await buffer(
      await objectSource(store, { key: 'key', sizeBytes: OBJECT.length }).read(10, 80),
    )

    expect(bytes).toEqual(OBJECT.subarray(10, 90))
    expect(store.starts).toEqual([10, 40, 70])
  })

  it('fails after four connections in succession without a byte', async () => {
    const store = aBreakingStore(0, 10)

    const read = objectSource(store, { key: 'key', sizeBytes: OBJECT.length }).read(0, 50)

    await expect(read.then(buffer)).rejects.toThrow('the connection broke')
    expect(store.starts).toHaveLength(4)
  })

  it('fails when the object was removed', async () => {
    const source = objectSource({ read: async () => undefined }, { key: 'key', sizeBytes: 10 })

    await expect(source.read(0, 5)).rejects.toThrow('object key no longer exists')
  })
})
