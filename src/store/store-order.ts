import type { Store } from './store.ts'

/** Compares stores by creation, oldest first, then by id. */
export function inOrderOfCreation(a: Store, b: Store): number {
  const sortKey = ({ createdAt, id }: Store): string => `${createdAt}#${id}`
  return sortKey(a) < sortKey(b) ? -1 : 1
}
