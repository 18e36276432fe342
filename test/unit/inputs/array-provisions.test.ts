import { describe, expect, it } from 'vitest'
import {
  hasRoomFor,
  isArrayComplete,
  itemProvisions,
  placeOf,
  topIndexes,
} from '../../../src/inputs/array-provisions.ts'
import type { Provision } from '../../../src/run/run.ts'
import type { ArrayType } from '../../../src/task/parameters/array.ts'

const INTEGERS: ArrayType = { id: 'array', allowMissing: false, subType: { id: 'integer' } }
const NESTED: ArrayType = { id: 'array', allowMissing: false, subType: INTEGERS }

type Provisions = Readonly<Record<string, Provision>>

const value = (valueId: string, more: object = {}): Provision => ({ kind: 'value', valueId, ...more })
/** Items at these paths, provisioned before any whole value. */
const itemsAt = (...paths: readonly string[]): Provisions =>
  Object.fromEntries(paths.map((path) => [`p/${path}`, value(`v${path}`, { base: 'none' })]))
const counting = (provisions: Provisions) => [...itemProvisions({ provisions }, 'p').keys()]
const isComplete = (provisions: Provisions, type: ArrayType = INTEGERS) =>
  isArrayComplete({ provisions }, 'p', type)

describe('an item that was provisioned separately', () => {
  it('counts while the whole array is not provisioned', () => {
    expect(counting(itemsAt('0', '3'))).toEqual(['0', '3'])
  })

  it('does not count for another parameter with the same prefix', () => {
    expect(counting({ ...itemsAt('0'), 'p2/1': value('v', { base: 'none' }) })).toEqual(['0'])
  })

  it('does not count after the array was provisioned or cleared', () => {
    expect(counting({ ...itemsAt('0'), p: value('w', { size: 1 }) })).toEqual([])
    expect(counting({ ...itemsAt('0'), p: { kind: 'cleared', clearedId: 'c' } })).toEqual([])
  })

  it('does not count after the array was cleared a second time', () => {
    const item = { 'p/0': value('v', { base: 'first' }) }

    expect(counting({ ...item, p: { kind: 'cleared', clearedId: 'first' } })).toEqual(['0'])
    expect(counting({ ...item, p: { kind: 'cleared', clearedId: 'second' } })).toEqual([])
  })

  it('does not count after its sub-array was provisioned', () => {
    expect(counting(itemsAt('0', '0/0', '1/0'))).toEqual(['0', '1/0'])
    expect(counting({ ...itemsAt('0'), 'p/0/0': value('v', { base: 'v0' }) })).toEqual(['0', '0/0'])
  })

  it('belongs to the innermost array that was provisioned as a whole', () => {
    const provisions = { p: value('w', { size: 3 }), 'p/0': value('s', { base: 'w' }) }

    expect(placeOf({ provisions }, 'p', '0/4')).toEqual({ holder: { name: 'p/0', valueId: 's' }, base: 's' })
    expect(placeOf({ provisions }, 'p', '1/4')).toEqual({ holder: { name: 'p', valueId: 'w' }, base: 'w' })
    expect(placeOf({ provisions: {} }, 'p', '1/4')).toEqual({ holder: undefined, base: 'none' })
  })
})

describe('the top level of an array', () => {
  it('is unknown without a provision', () => {
    expect(topIndexes({ provisions: {} }, 'p')).toBeUndefined()
    expect(topIndexes({ provisions: { p: { kind: 'cleared', clearedId: 'c' } } }, 'p')).toBeUndefined()
  })

  it('is empty for an empty array', () => {
    expect(topIndexes({ provisions: { p: value('w', { size: 0 }) } }, 'p')).toEqual(new Set())
  })

  it('has the items of the whole array and those that were provisioned separately', () => {
    const item = value('v', { base: 'w' })

    expect(topIndexes({ provisions: { p: value('w', { size: 2 }), 'p/2': item } }, 'p')).toEqual(
      new Set([0, 1, 2]),
    )
    expect(topIndexes({ provisions: { p: value('w', { indexes: [0, 5] }), 'p/5': item } }, 'p')).toEqual(
      new Set([0, 5]),
    )
  })
})

describe('the completeness of an array', () => {
  it.each<[string, Provisions, ArrayType, boolean]>([
    ['with nothing', {}, INTEGERS, false],
    ['with its first item', itemsAt('0'), INTEGERS, true],
    ['with a gap', itemsAt('0', '2'), INTEGERS, false],
    ['with an allowed gap', itemsAt('0', '2'), { ...INTEGERS, allowMissing: true }, true],
    ['with too few items', itemsAt('0'), { ...INTEGERS, minSize: 2 }, false],
    ['with enough items', itemsAt('1', '0'), { ...INTEGERS, minSize: 2 }, true],
    ['with too many items', itemsAt('0', '1'), { ...INTEGERS, maxSize: 1 }, false],
    ['that is empty', { p: value('w', { size: 0 }) }, INTEGERS, true],
    ['of arrays by leaves', itemsAt('0/0', '0/1', '1/0'), NESTED, true],
    ['of arrays with an inner gap', itemsAt('0/0', '0/2'), NESTED, false],
    ['of arrays with an outer gap', itemsAt('0/0', '2/0'), NESTED, false],
    ['of arrays with a sub-array that came whole', itemsAt('0/0', '1'), NESTED, true],
    [
      'of arrays with too few inside',
      itemsAt('0/0'),
      { ...NESTED, subType: { ...INTEGERS, minSize: 2 } },
      false,
    ],
  ])('%s is checked: %o', (_, provisions, type, expected) => {
    expect(isComplete(provisions, type)).toBe(expected)
  })

  it('is checked again where items have changed an array that was provisioned as a whole', () => {
    const whole = { p: value('w', { size: 1 }) }
    const within = (path: string) => ({
      ...whole,
      [`p/${path}`]: value('v', { base: 'w', levelSizes: [2] }),
    })

    expect(isComplete(within('0/1'), NESTED)).toBe(true)
    expect(isComplete(within('0/2'), NESTED)).toBe(true)
    expect(isComplete(within('0/3'), NESTED)).toBe(false)
  })
})

describe('the space for provisions in the DynamoDB item of a run', () => {
  const many = (count: number): Provisions =>
    itemsAt(...Array.from({ length: count }, (_, index) => `${index}`))

  it('is sufficient for 2 500 single array items, but not for 3 000; replacing one needs no space', () => {
    expect(hasRoomFor({ provisions: many(2500) }, 'p/2500')).toBe(true)
    expect(hasRoomFor({ provisions: many(3000) }, 'p/3000')).toBe(false)
    expect(hasRoomFor({ provisions: many(2500) }, 'p/7')).toBe(true)
  })

  it('never exceeds the maximum size of a DynamoDB item', () => {
    const uuid = '0'.repeat(36)
    const levelSizes = [100_000]
    const items = (count: number): Provisions =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [
          `p/${index}/0`,
          value(uuid, { base: uuid, levelSizes }),
        ]),
      )
    const fits = [2000, 2200, 2400, 2600, 2800].filter((count) =>
      hasRoomFor({ provisions: items(count) }, 'p/9999/0', { levelSizes }),
    )
    const provisions = items(fits.at(-1) ?? 0)

    expect(fits).toContain(2400)
    expect(JSON.stringify(provisions).length).toBeLessThan(400_000)
  })

  it('is sufficient for 40 000 indexes of an array with gaps', () => {
    const indexes = Array.from({ length: 40_000 }, (_, index) => 2 * index)

    expect(hasRoomFor({ provisions: {} }, 'p', { indexes })).toBe(true)
    expect(hasRoomFor({ provisions: { p: value('w') } }, 'q', { indexes: [...indexes, ...indexes] })).toBe(
      false,
    )
  })
})
