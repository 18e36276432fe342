import { DomainError } from '../../src/contract/errors.ts'
import type { Store } from '../../src/store/store.ts'
import { inOrderOfCreation } from '../../src/store/store-order.ts'
import type { StoreRepository } from '../../src/store/store-repository.ts'

/** In-memory repository of app stores for tests. */
export function createMemoryStoreRepository(): StoreRepository {
  const stores = new Map<string, Omit<Store, 'isDefault'>>()
  let defaultId: string | undefined
  const list = (): Store[] =>
    [...stores.values()].map((store) => ({ ...store, isDefault: store.id === defaultId }))

  return {
    async list() {
      return list().sort(inOrderOfCreation)
    },

    async create({ id, name, host, createdAt }) {
      const isTaken = [...stores.values()].some((other) => other.name === name && other.host === host)
      if (isTaken) throw new DomainError('INTERNAL_INVALID_STORE_ALREADY_EXISTS')
      stores.set(id, { id, name, host, createdAt })
    },

    async remove(storeId) {
      stores.delete(storeId)
    },

    async makeDefault(storeId) {
      if (!stores.has(storeId)) throw new DomainError('INTERNAL_INVALID_STORE_NOT_FOUND')
      defaultId = storeId
    },

    async findDefault() {
      return list().find((store) => store.isDefault)
    },
  }
}
