import type { Item, ItemKey } from '../aws/dynamo-table.ts'

/** Change of one item of the table. */
export interface ItemChange {
  /** Id of the change; a repeated delivery has the same id. */
  readonly id: string
  readonly key: ItemKey
  /** Absent for a new item. */
  readonly before?: Item
  /** Absent when the item was removed. */
  readonly after?: Item
  /** Digits; later changes of the same item have larger numbers. */
  readonly sequence: string
  /** Time of the change, in whole seconds. */
  readonly at: Date
}
