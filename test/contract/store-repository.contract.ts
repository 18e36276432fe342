import { beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import type { StoreRepository } from '../../src/store/store-repository.ts'

const FIRST = '00000000-0000-4000-8000-00000000000a'
const SECOND = '00000000-0000-4000-8000-00000000000b'
const EXISTS = expect.objectContaining({
  name: 'DomainError',
  error: 'INTERNAL_INVALID_STORE_ALREADY_EXISTS',
})
const NOT_FOUND = expect.objectContaining({
  name: 'DomainError',
  error: 'INTERNAL_INVALID_STORE_NOT_FOUND',
})

function aStore(changes: Partial<Store> = {}): Omit<Store, 'isDefault'> {
  return {
    id: FIRST,
    name: 'Main store',
    host: 'https://store.example.org',
    createdAt: '2026-01-01T00:00:00.000Z',
    ...changes,
  }
}

/** Contract of every store repository. `setUp` returns an empty one for each test. */
export function describeStoreRepository(adapter: string, setUp: () => Promise<StoreRepository>): void {
  describe(`store repository (${adapter})`, () => {
    let stores: StoreRepository

    beforeEach(async () => {
      stores = await setUp()
    })

    const names = async (): Promise<string[]> => (await stores.list()).map(({ name }) => name)
    const defaults = async (): Promise<string[]> =>
      (await stores.list()).filter(({ isDefault }) => isDefault).map(({ id }) => id)

    it('is empty at first, without a default', async () => {
      expect(await stores.list()).toEqual([])
      expect(await stores.findDefault()).toBeUndefined()
    })

    it('lists stores in the order of their creation', async () => {
      const second = aStore({ name: 'été 中文', createdAt: '2026-01-02T00:00:00.000Z' })
      const first = aStore({ id: SECOND })
      await stores.create(second)
      await stores.create(first)

      expect(await stores.list()).toStrictEqual([
        { ...first, isDefault: false },
        { ...second, isDefault: false },
      ])
    })

    describe('a pair of name and host', () => {
      it('belongs to one store', async () => {
        await stores.create(aStore())

        await expect(stores.create(aStore({ id: SECOND }))).rejects.toEqual(EXISTS)

        expect((await stores.list()).map(({ id }) => id)).toEqual([FIRST])
      })

      it('is assigned to exactly one of many concurrent calls', async () => {
        const ids = Array.from({ length: 10 }, (_, index) => `${FIRST.slice(0, -1)}${index}`)

        const outcomes = await Promise.allSettled(ids.map((id) => stores.create(aStore({ id }))))

        const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
        expect(refused).toHaveLength(9)
        for (const { reason } of refused) expect(reason).toEqual(EXISTS)
        expect(await stores.list()).toHaveLength(1)
      })

      it.each([
        ['another name', { name: 'Other store' }],
        ['another host', { host: 'https://other.example.org' }],
        ['the same characters split elsewhere', { name: 'Main', host: ' storehttps://store.example.org' }],
      ])('does not conflict with %s', async (_, changes) => {
        await stores.create(aStore())

        await stores.create(aStore({ ...changes, id: SECOND }))

        expect(await stores.list()).toHaveLength(2)
      })

      it('is free again when the store is removed', async () => {
        await stores.create(aStore())
        await stores.remove(FIRST)

        await stores.create(aStore({ id: SECOND }))

        expect((await stores.list()).map(({ id }) => id)).toEqual([SECOND])
      })

      it('still belongs to a new store when the removal of the earlier one is repeated', async () => {
        await stores.create(aStore())
        await stores.remove(FIRST)
        await stores.create(aStore({ id: SECOND }))

        await stores.remove(FIRST)

        await expect(stores.create(aStore())).rejects.toEqual(EXISTS)
      })
    })

    describe('the default', () => {
      beforeEach(async () => {
        await stores.create(aStore())
        await stores.create(aStore({ id: SECOND, name: 'Second store' }))
      })

      it('is not a store that was just created', async () => {
        expect(await stores.findDefault()).toBeUndefined()
        expect(await defaults()).toEqual([])
      })

      it('is the store that was made the default last', async () => {
        await stores.makeDefault(FIRST)
        await stores.makeDefault(SECOND)

        expect(await defaults()).toEqual([SECOND])
        expect(await stores.findDefault()).toEqual({
          ...aStore({ id: SECOND, name: 'Second store' }),
          isDefault: true,
        })
      })

      it('may be set to the same store twice', async () => {
        await stores.makeDefault(FIRST)

        await stores.makeDefault(FIRST)

        expect(await defaults()).toEqual([FIRST])
      })

      it('is unchanged when an unknown store is named', async () => {
        await stores.makeDefault(FIRST)

        await expect(stores.makeDefault('00000000-0000-4000-8000-0000000000ff')).rejects.toEqual(NOT_FOUND)

        expect(await defaults()).toEqual([FIRST])
      })

      it('is one store after many concurrent calls', async () => {
        await Promise.all([FIRST, SECOND, FIRST, SECOND].map((id) => stores.makeDefault(id)))

        expect(await defaults()).toHaveLength(1)
      })

      it('is unset when its store is removed', async () => {
        await stores.makeDefault(FIRST)

        await stores.remove(FIRST)

        expect(await stores.findDefault()).toBeUndefined()
        expect(await defaults()).toEqual([])
        await expect(stores.makeDefault(FIRST)).rejects.toEqual(NOT_FOUND)
      })

      it('is unchanged when another store is removed', async () => {
        await stores.makeDefault(FIRST)

        await stores.remove(SECOND)

        expect(await defaults()).toEqual([FIRST])
      })
    })

    it('is unchanged when an unknown store is removed', async () => {
      await stores.create(aStore())

      await stores.remove(SECOND)

      expect(await names()).toEqual(['Main store'])
    })
  })
}
