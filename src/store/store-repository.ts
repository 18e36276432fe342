import type { Store } from './store.ts'

/** Repository of app stores. At most one store is the default. Reads are strongly consistent. */
export interface StoreRepository {
  /** Oldest first. */
  list(): Promise<Store[]>
  /**
   * Adds a store that is not the default.
   * @throws DomainError INTERNAL_INVALID_STORE_ALREADY_EXISTS when a store has this name and host
   */
  create(store: Omit<Store, 'isDefault'>): Promise<void>
  /** Does nothing when the store does not exist. Removing the default store leaves no default. */
  remove(storeId: string): Promise<void>
  /**
   * Changes the default atomically.
   * @throws DomainError INTERNAL_INVALID_STORE_NOT_FOUND
   */
  makeDefault(storeId: string): Promise<void>
  findDefault(): Promise<Store | undefined>
}
