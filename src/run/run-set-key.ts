import type { ItemKey } from '../aws/dynamo-table.ts'

export function runSetKey(setId: string): ItemKey {
  return { pk: `RUNSET#${setId}`, sk: 'RUNSET' }
}

/** Inverse of {@link runSetKey}. */
export function setIdIn({ pk }: ItemKey): string {
  return pk.slice('RUNSET#'.length)
}
