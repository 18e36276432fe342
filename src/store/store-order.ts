import type { Store } from './store.ts'

/** Sorts stores by creation, oldest first; those of one millisecond by id. */
export function inOrderOfCreation(a: Store, b: Store): number {
  const sortKey = ({ createdAt, id }: Store): string => `${createdAt}#${id}`
  return sortKey(a) < sortKey(b) ? -1 : 1
}
