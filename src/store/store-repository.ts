import type { Store } from './store.ts'

/** App stores, at most one of them the default. Reads are consistent. */
export interface StoreRepository {
  /** In the order of creation. */
  list(): Promise<Store[]>
  /**
   * A new store is never the default.
   * @throws DomainError INTERNAL_INVALID_STORE_ALREADY_EXISTS when there is one with this name and host.
   */
  create(store: Omit<Store, 'isDefault'>): Promise<void>
  /** Nothing happens when it is gone; without the default store there is no default. */
  remove(storeId: string): Promise<void>
  /**
   * Switches the default in one step.
   * @throws DomainError INTERNAL_INVALID_STORE_NOT_FOUND, and the default is what it was.
   */
  makeDefault(storeId: string): Promise<void>
  findDefault(): Promise<Store | undefined>
}
