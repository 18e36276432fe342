import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb'
import { TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import { TABLE } from '../contract/environment.ts'
import { backoff, retry } from '../shared/retry.ts'
import { type DynamoOptions, type Item, type ItemKey, TABLE_BACKOFF } from './dynamo-table.ts'

/** Condition on the item before the write. */
export interface Condition {
  /** Expression in which `#name` is the attribute `name`. */
  readonly condition: string
  readonly values?: Readonly<Record<`:${string}`, unknown>>
}

/** Changes of an update; they are made only if the condition is met. */
export interface ItemChange extends Partial<Condition> {
  /** Values by attribute. */
  readonly set?: Readonly<Record<string, unknown>>
  /** Entries of attributes that are maps. */
  readonly setWithin?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Numbers to add, by attribute; a missing attribute counts as 0. */
  readonly add?: Readonly<Record<string, number>>
  /** Elements to add to attributes that are sets; a missing attribute counts as empty. */
  readonly addElements?: Readonly<Record<string, ReadonlySet<string>>>
  readonly remove?: readonly string[]
}

/** The item after the change, or the unchanged item when the condition failed. */
type ChangeOutcome =
  | { readonly isChanged: true; readonly item: Item }
  | { readonly isChanged: false; readonly item: Item | undefined }

/** One write of a transaction. */
type ItemWrite =
  | { readonly put: ItemKey & Item; readonly if?: Condition }
  | { readonly remove: ItemKey; readonly if?: Condition }
  | { readonly update: ItemKey; readonly change: ItemChange }
  | { readonly check: ItemKey; readonly if: Condition }

/** Conditional writes; conflicts with running transactions are retried. */
export interface DynamoWrites {
  update(key: ItemKey, change: ItemChange): Promise<ChangeOutcome>
  /**
   * Makes all of the writes or none.
   * @returns false when a condition failed
   */
  transact(writes: readonly ItemWrite[]): Promise<boolean>
}

/** Condition: the item does not exist. */
export const IS_NEW: Condition = { condition: `attribute_not_exists(#${TABLE.partitionKey})` }

/** Attribute with the id of the item's last update. */
const CHANGE_ID = 'changeId'

/** Writing side of the table. */
export function createDynamoWrites({ client, tableName, identity, pause }: DynamoOptions): DynamoWrites {
  /**
   * Retries a write after a conflict: DynamoDB refuses a write to an item of a running transaction instead of queueing
   * it.
   */
  const afterConflicts = <Result>(write: () => Promise<Result>): Promise<Result> =>
    retry(write, { pausesMs: backoff(TABLE_BACKOFF), isRetryable: isConflict, pause })

  return {
    async update(key, change) {
      const changeId = identity.uuid()
      const command = new UpdateCommand({
        TableName: tableName,
        Key: key,
        ...updateOf({ ...change, set: { ...change.set, [CHANGE_ID]: changeId } }),
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      })
      try {
        const { Attributes = {} } = await afterConflicts(() => client.send(command))
        return { isChanged: true, item: Attributes }
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error
        const item = error.Item === undefined ? undefined : unmarshall(error.Item)
        // The SDK retries a call whose response was lost; the condition then fails because of the call's own change.
        return item?.[CHANGE_ID] === changeId ? { isChanged: true, item } : { isChanged: false, item }
      }
    },

    async transact(writes) {
      const command = new TransactWriteCommand({
        TransactItems: writes.map((write) => {
          if ('update' in write) {
            return { Update: { TableName: tableName, Key: write.update, ...updateOf(write.change) } }
          }
          if ('check' in write) {
            return { ConditionCheck: { TableName: tableName, Key: write.check, ...conditionOf(write.if) } }
          }
          const condition = write.if === undefined ? {} : conditionOf(write.if)
          return 'put' in write
            ? { Put: { TableName: tableName, Item: write.put, ...condition } }
            : { Delete: { TableName: tableName, Key: write.remove, ...condition } }
        }),
      })
      try {
        await afterConflicts(() => client.send(command))
        return true
      } catch (error) {
        if (cancellationReasons(error).includes('ConditionalCheckFailed')) return false
        throw error
      }
    },
  }
}

function isConflict(error: unknown): boolean {
  const reasons = cancellationReasons(error)
  return reasons.includes('TransactionConflict') && !reasons.includes('ConditionalCheckFailed')
}

/** Whether it is certain that no write of a transaction was made. */
export function isCancelled(error: unknown): boolean {
  return cancellationReasons(error).length > 0
}

/** Codes of a cancelled write; empty for other errors. */
function cancellationReasons(error: unknown): readonly string[] {
  if (error instanceof TransactionConflictException) return ['TransactionConflict']
  if (!(error instanceof TransactionCanceledException)) return []
  return (error.CancellationReasons ?? []).flatMap(({ Code }) => Code ?? [])
}

function conditionOf({ condition, values }: Condition) {
  return {
    ConditionExpression: condition,
    ExpressionAttributeNames: namesIn(condition),
    // DynamoDB refuses an empty map.
    ...(values !== undefined && { ExpressionAttributeValues: { ...values } }),
  }
}

function namesIn(condition: string): Record<string, string> {
  return Object.fromEntries(
    condition.matchAll(/#(\w+)/gu).map(([placeholder, name = '']) => [placeholder, name]),
  )
}

function updateOf(change: ItemChange) {
  const { set = {}, setWithin = {}, add = {}, addElements = {}, remove = [], condition, values } = change
  const allNames = namesIn(condition ?? '')
  const allValues: Record<string, unknown> = { ...values }
  const placeholder = (attribute: string): string => {
    const name = `#name${Object.keys(allNames).length}`
    allNames[name] = attribute
    return name
  }
  const paths = [
    ...Object.entries(set).map(([name, value]) => ({ path: [name], value })),
    ...Object.entries(setWithin).flatMap(([map, entries]) =>
      Object.entries(entries).map(([name, value]) => ({ path: [map, name], value })),
    ),
  ]
  const assignments = paths.map(({ path, value }, index) => {
    allValues[`:set${index}`] = value
    return `${path.map(placeholder).join('.')} = :set${index}`
  })
  const sums = Object.entries({ ...add, ...addElements }).map(([name, value], index) => {
    allValues[`:add${index}`] = value
    return `${placeholder(name)} :add${index}`
  })
  const additions = sums.length === 0 ? '' : ` ADD ${sums.join(', ')}`
  const removals = remove.length === 0 ? '' : ` REMOVE ${remove.map(placeholder).join(', ')}`
  return {
    UpdateExpression: `SET ${assignments.join(', ')}${additions}${removals}`,
    ...(condition !== undefined && { ConditionExpression: condition }),
    ExpressionAttributeNames: allNames,
    ExpressionAttributeValues: allValues,
  }
}
