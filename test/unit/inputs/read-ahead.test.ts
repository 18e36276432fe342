import { describe, expect, it } from 'vitest'
import type { InputEntry } from '../../../src/inputs/array-inputs.ts'
import { entryText } from '../../../src/inputs/array-inputs.ts'
import { readAhead } from '../../../src/inputs/read-ahead.ts'

/** Entries that are objects of their own, and the requests for them. */
function objects(count: number, sizeBytes = 1) {
  const asked: string[] = []
  const entries = Array.from({ length: count }, (_, index): InputEntry => {
    const name = `p/${index}`
    const open = async () => {
      asked.push(name)
      if (index === 3) throw new Error('no network')
      return [Buffer.from(String(index))]
    }
    return { name, sizeBytes, object: { kind: 'object', name, key: name, sizeBytes }, open }
  })
  return { entries, asked }
}

describe('reading ahead', () => {
  it('starts to read the next 16 entries, by number, each once', async () => {
    const { entries, asked } = objects(30)
    const reading = readAhead(entries.toReversed()).toReversed()

    const [first, second] = reading
    const texts = [first && (await entryText(first)), second && (await entryText(second))]

    expect(texts).toEqual(['0', '1'])
    expect(asked).toEqual(Array.from({ length: 17 }, (_, index) => `p/${index}`))
  })

  it('throws the error of an entry only when the entry is opened', async () => {
    const reading = readAhead(objects(5).entries)

    const outcomes = await Promise.allSettled(reading.map(entryText))

    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
  })

  it('reads neither large objects nor entries within an object ahead', async () => {
    const { entries, asked } = objects(3, 5_000_000)
    const [only] = readAhead([{ name: 'p/array.yml', sizeBytes: 1, bytes: Buffer.from('x') }, ...entries])

    expect(only && (await entryText(only))).toBe('x')
    expect(asked).toEqual([])
  })
})
