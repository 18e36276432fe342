import type { Identity } from '../shared/identity.ts'
import type { Store } from './store.ts'
import type { StoreRepository } from './store-repository.ts'

/**
 * Adds an app store that is not the default.
 * @throws DomainError INTERNAL_INVALID_STORE_ALREADY_EXISTS when a store has this name and host
 */
export async function createStore(
  deps: { readonly identity: Identity; readonly stores: StoreRepository },
  { name, host }: Pick<Store, 'name' | 'host'>,
): Promise<Store> {
  const store = { id: deps.identity.uuid(), name, host, createdAt: deps.identity.now().toISOString() }
  await deps.stores.create(store)
  return { ...store, isDefault: false }
}
