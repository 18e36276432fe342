import { describe, expect, it } from 'vitest'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import { createWindowReader } from '../../../src/shared/window-reader.ts'

const BYTES = Buffer.from(Array.from({ length: 100 }, (_, index) => index))

function aReader() {
  const requests: (readonly [start: number, length: number])[] = []
  const source = bufferSource(BYTES)
  const read = createWindowReader(
    {
      ...source,
      read: (start, length) => {
        requests.push([start, length])
        return source.read(start, length)
      },
    },
    20,
  )
  return { read, requests }
}

describe('a window reader', () => {
  it('serves reads close to each other with one request', async () => {
    const { read, requests } = aReader()

    expect([...(await read(10, 2))]).toEqual([10, 11])
    expect([...(await read(28, 2))]).toEqual([28, 29])

    expect(requests).toEqual([[10, 20]])
  })

  it('sends a request when the window does not contain all bytes of a read', async () => {
    const { read, requests } = aReader()

    await read(10, 2)
    expect([...(await read(29, 2))]).toEqual([29, 30])
    expect([...(await read(0, 1))]).toEqual([0])

    expect(requests).toEqual([
      [10, 20],
      [29, 20],
      [0, 20],
    ])
  })

  it('requests no byte after the end, and a long read with one request', async () => {
    const { read, requests } = aReader()

    await read(95, 2)
    expect(await read(5, 50)).toEqual(BYTES.subarray(5, 55))

    expect(requests).toEqual([
      [95, 5],
      [5, 50],
    ])
  })

  it('returns the bytes of each range for concurrent reads', async () => {
    const { read } = aReader()

    const all = await Promise.all([0, 30, 60, 90].map((start) => read(start, 3)))

    expect(all.map(([first]) => first)).toEqual([0, 30, 60, 90])
  })
})
