import { describe, expect, it } from 'vitest'
import { createItemIndex, findItemPlace, itemIndexKey } from '../../../src/inputs/item-index.ts'
import { createMemoryObjectStore } from '../../fakes/memory-object-store.ts'

const KEY = 'outputs/geometries'

const placeOf = (index: number) => ({ offset: 100 + index * 50, sizeBytes: index })

async function stored(indexes: readonly number[]) {
  const objects = createMemoryObjectStore()
  const table = createItemIndex(new Set(indexes), placeOf)
  if (table !== undefined) await objects.put(itemIndexKey(KEY), table)
  return objects
}

describe('the table of item positions', () => {
  it('gives the position of each item', async () => {
    const objects = await stored([0, 1, 2])

    expect(await findItemPlace(objects, KEY, 2)).toEqual({ offset: 200, sizeBytes: 2 })
    expect(await findItemPlace(objects, KEY, 0)).toEqual({ offset: 100, sizeBytes: 0 })
  })

  it('marks missing items, in a gap or after the last', async () => {
    const objects = await stored([0, 1, 3])

    expect(await findItemPlace(objects, KEY, 2)).toBe('missing')
    expect(await findItemPlace(objects, KEY, 4)).toBe('missing')
  })

  it('supports offsets beyond 32 bits', async () => {
    const objects = createMemoryObjectStore()
    const place = { offset: 2 ** 40, sizeBytes: 2 ** 33 }
    await objects.put(itemIndexKey(KEY), createItemIndex(new Set([0]), () => place) ?? '')

    expect(await findItemPlace(objects, KEY, 0)).toEqual(place)
  })

  it.each([
    ['of few items with high indexes', createItemIndex(new Set([999_999_999]), placeOf)],
    ['with items that are not single files', createItemIndex(new Set([0]), () => undefined)],
  ])('does not exist for an array %s', (_, table) => {
    expect(table).toBeUndefined()
  })

  it('is undefined for arrays without a table', async () => {
    expect(await findItemPlace(createMemoryObjectStore(), KEY, 0)).toBeUndefined()
  })
})
