import {
  BatchGetCommand,
  BatchWriteCommand,
  type BatchWriteCommandInput,
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb'
import { TABLE } from '../contract/environment.ts'
import type { Identity } from '../shared/identity.ts'
import { mapUntilFailure } from '../shared/map-until-failure.ts'
import { pagesOf } from '../shared/pages.ts'
import { type Backoff, backoff, type Pause, retry } from '../shared/retry.ts'

/** Options of repositories on the table. */
export interface DynamoOptions {
  readonly client: DynamoDBDocumentClient
  readonly tableName: string
  readonly identity: Identity
  /** Waits before a retry; replaced in tests. */
  readonly pause?: Pause
}

export interface ItemKey {
  readonly [TABLE.partitionKey]: string
  readonly [TABLE.sortKey]: string
}

export type Item = Record<string, unknown>

/** Position in the unfinished index. */
export interface IndexPlace {
  readonly key: ItemKey
  readonly updatedAt: string
}

export interface QueryOptions {
  /** Prefix of the sort keys. */
  readonly skPrefix?: string
  readonly isDescending?: boolean
  /** Only items whose sort keys come before this one; not together with `skPrefix`. */
  readonly before?: string | undefined
  /** Maximum number of items that one call reads. */
  readonly pageSize?: number
  /** Transfers only this attribute and the keys. DynamoDB still reads, and charges for, whole items. */
  readonly attribute?: string
}

/** Range of sort keys in one partition, both ends inclusive. */
export interface DescendingQuery {
  /** Absent: the table itself, read strongly consistent. */
  readonly index?: { readonly name: string; readonly partitionKey: string; readonly sortKey: string }
  readonly partition: string
  readonly from: string
  readonly to: string
  /** Maximum number of items that one call reads. */
  readonly pageSize: number
}

/** Strongly consistent reads and batches of items. Retries unprocessed items of a batch. */
export interface DynamoTable {
  get(key: ItemKey): Promise<Item | undefined>
  /** Items of a partition in the order of their sort keys. */
  query(pk: string, options?: QueryOptions): AsyncIterable<Item>
  /**
   * Items in descending order of their sort keys. Fetches a page when the previous one has been read. Eventually
   * consistent on an index.
   */
  queryDescending(query: DescendingQuery): AsyncIterable<Item>
  /** Items in a partition of the unfinished index, longest unchanged first. Eventually consistent. */
  listUnfinished(
    partition: IndexPartition,
    limit: number,
    range?: { readonly after?: IndexPlace | undefined; readonly until?: Date },
  ): Promise<IndexPlace[]>
  /** Existing items, in the order of the keys. */
  getAll(keys: readonly ItemKey[]): Promise<Item[]>
  /** Writes items; existing ones are replaced. */
  putAll(items: readonly (ItemKey & Item)[]): Promise<void>
  removeAll(keys: readonly ItemKey[]): Promise<void>
}

/**
 * Partitions of active runs in the unfinished index. A run moves in its partition with each change: up to 28 writes of 1 KB from start
 * to end, of which a partition takes 1000 a second (docs/scale.md).
 */
export const ACTIVE_RUNS = ['ACTIVE#0', 'ACTIVE#1', 'ACTIVE#2', 'ACTIVE#3'] as const
/** Partitions of runs and of tasks that are being removed. */
export const RUNS_IN_REMOVAL = 'RUNS_IN_REMOVAL'
export const TASKS_IN_REMOVAL = 'TASKS_IN_REMOVAL'
/** Partition of complete bundles whose import has not ended, ordered by the end of the lease. */
export const UNFINISHED_IMPORTS = 'IMPORTS'
/** Partition of run sets whose workflow has something to do, or that are being removed. */
export const UNFINISHED_RUN_SETS = 'RUN_SETS'
/** Partition of removed run sets of which only the record remains. */
export const REMOVED_RUN_SETS = 'REMOVED_RUN_SETS'
type IndexPartition =
  | (typeof ACTIVE_RUNS)[number]
  | typeof RUNS_IN_REMOVAL
  | typeof TASKS_IN_REMOVAL
  | typeof UNFINISHED_IMPORTS
  | typeof UNFINISHED_RUN_SETS
  | typeof REMOVED_RUN_SETS

/** Limits of DynamoDB for keys, and for one call: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const MAX_PARTITION_KEY_BYTES = 2048
const MAX_SORT_KEY_BYTES = 1024
const BATCH_GET_KEYS = 100
const BATCH_WRITE_ITEMS = 25
/** A set of 10 000 runs has over 1000 batches. */
const BATCHES_AT_ONCE = 4

/** Seven retries wait 3.2 s at most, below any caller's time limit. Hundreds of runs of a set may write to one item. */
export const TABLE_BACKOFF: Backoff = { retries: 7, firstMs: 25, hasJitter: true }

type WriteRequest = NonNullable<BatchWriteCommandInput['RequestItems']>[string][number]

class UnprocessedItemsError extends Error {
  override readonly name = 'UnprocessedItemsError'
}

/** Reading side of the table. */
export function createDynamoTable(options: Omit<DynamoOptions, 'identity'>): DynamoTable {
  const { client, tableName } = options
  return {
    async get(key) {
      if (isTooLong(key)) return undefined
      const command = new GetCommand({ TableName: tableName, Key: key, ConsistentRead: true })
      return (await client.send(command)).Item
    },

    ...createQueries(options),
    ...createBatches(options),
  }
}

function createQueries({
  client,
  tableName,
}: Omit<DynamoOptions, 'identity'>): Pick<DynamoTable, 'query' | 'queryDescending' | 'listUnfinished'> {
  async function* pages(
    input: Omit<QueryCommandInput, 'TableName' | 'ExclusiveStartKey'>,
    after?: Item,
  ): AsyncGenerator<Item[]> {
    const query = { TableName: tableName, ...input }
    const answers = pagesOf(
      (ExclusiveStartKey) => client.send(new QueryCommand({ ...query, ExclusiveStartKey })),
      ({ LastEvaluatedKey }) => LastEvaluatedKey,
      after,
    )
    for await (const { Items = [] } of answers) yield Items
  }

  return {
    async *query(pk, options) {
      for await (const page of pages(partitionQuery(pk, options))) yield* page
    },

    async *queryDescending({ index, partition, from, to, pageSize }) {
      const found = pages({
        ...(index && { IndexName: index.name }),
        KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :to',
        ExpressionAttributeNames: {
          '#pk': index?.partitionKey ?? TABLE.partitionKey,
          '#sk': index?.sortKey ?? TABLE.sortKey,
        },
        ExpressionAttributeValues: { ':pk': partition, ':from': from, ':to': to },
        ScanIndexForward: false,
        ConsistentRead: index === undefined,
        Limit: pageSize,
      })
      for await (const page of found) yield* page
    },

    async listUnfinished(partition, limit, { after, until } = {}) {
      const { name, partitionKey, sortKey } = TABLE.unfinishedIndex
      const found: IndexPlace[] = []
      const query = {
        IndexName: name,
        KeyConditionExpression: `#partition = :partition${until === undefined ? '' : ' AND #time <= :until'}`,
        ExpressionAttributeNames: { '#partition': partitionKey, ...(until && { '#time': sortKey }) },
        ExpressionAttributeValues: {
          ':partition': partition,
          ...(until && { ':until': until.toISOString() }),
        },
        Limit: limit,
      }
      const start = after && { ...after.key, [partitionKey]: partition, [sortKey]: after.updatedAt }
      for await (const page of pages(query, start)) {
        found.push(...page.map((item) => ({ key: keyOf(item), updatedAt: String(item[sortKey]) })))
        if (found.length >= limit) break
      }
      return found.slice(0, limit)
    },
  }
}

function partitionQuery(
  pk: string,
  { skPrefix, isDescending = false, attribute, before, pageSize }: QueryOptions = {},
): Omit<QueryCommandInput, 'TableName'> {
  const key = { condition: '#pk = :pk', names: { '#pk': TABLE.partitionKey }, values: { ':pk': pk } }
  const sk = skPrefix ?? before
  const below = {
    condition: skPrefix === undefined ? ' AND #sk < :sk' : ' AND begins_with(#sk, :sk)',
    names: { '#sk': TABLE.sortKey },
  }
  return {
    KeyConditionExpression: key.condition + (sk === undefined ? '' : below.condition),
    ExpressionAttributeNames: {
      ...key.names,
      ...(sk !== undefined && below.names),
      ...(attribute !== undefined && { ...below.names, '#attribute': attribute }),
    },
    ...(attribute !== undefined && { ProjectionExpression: '#pk, #sk, #attribute' }),
    ExpressionAttributeValues: { ...key.values, ...(sk !== undefined && { ':sk': sk }) },
    ...(pageSize !== undefined && { Limit: pageSize }),
    ScanIndexForward: !isDescending,
    ConsistentRead: true,
  }
}

function createBatches({
  client,
  tableName,
  pause,
}: Omit<DynamoOptions, 'identity'>): Pick<DynamoTable, 'getAll' | 'putAll' | 'removeAll'> {
  async function writeAll(requests: WriteRequest[]): Promise<void> {
    const starts = Array.from(
      { length: Math.ceil(requests.length / BATCH_WRITE_ITEMS) },
      (_, batch) => batch * BATCH_WRITE_ITEMS,
    )
    const write = (start: number): Promise<void> =>
      drain(requests.slice(start, start + BATCH_WRITE_ITEMS), pause, async (rest) => {
        const answer = await client.send(new BatchWriteCommand({ RequestItems: { [tableName]: rest } }))
        return answer.UnprocessedItems?.[tableName] ?? []
      })
    await mapUntilFailure(starts, write, { concurrency: BATCHES_AT_ONCE })
  }

  return {
    async getAll(keys) {
      const found = new Map<string, Item>()
      for (let start = 0; start < keys.length; start += BATCH_GET_KEYS) {
        await drain(keys.slice(start, start + BATCH_GET_KEYS), pause, async (rest) => {
          const requests = { [tableName]: { Keys: rest.map((key) => ({ ...key })), ConsistentRead: true } }
          const answer = await client.send(new BatchGetCommand({ RequestItems: requests }))
          for (const item of answer.Responses?.[tableName] ?? []) found.set(nameOf(keyOf(item)), item)
          return (answer.UnprocessedKeys?.[tableName]?.Keys ?? []).map(keyOf)
        })
      }
      return keys.map((key) => found.get(nameOf(key))).filter((item) => item !== undefined)
    },

    putAll: (items) => writeAll(items.map((item) => ({ PutRequest: { Item: { ...item } } }))),

    removeAll: (keys) => writeAll(keys.map((key) => ({ DeleteRequest: { Key: { ...key } } }))),
  }
}

/**
 * Sends a batch until DynamoDB has processed all of it. A full response or a busy partition leaves items unprocessed.
 */
async function drain<Entry>(
  batch: Entry[],
  pause: Pause | undefined,
  send: (rest: Entry[]) => Promise<Entry[]>,
): Promise<void> {
  let rest = batch
  const sendRest = async (): Promise<void> => {
    rest = await send(rest)
    if (rest.length === 0) return
    throw new UnprocessedItemsError(`DynamoDB left ${rest.length} items of a batch unprocessed`)
  }
  const isRetryable = (error: unknown): boolean => error instanceof UnprocessedItemsError
  await retry(sendRest, { pausesMs: backoff(TABLE_BACKOFF), isRetryable, pause })
}

/** Whether DynamoDB refuses a key, so that no item has it: identifiers in requests may have any length. */
function isTooLong(key: ItemKey): boolean {
  return (
    Buffer.byteLength(key[TABLE.partitionKey]) > MAX_PARTITION_KEY_BYTES ||
    Buffer.byteLength(key[TABLE.sortKey]) > MAX_SORT_KEY_BYTES
  )
}

/** Key of an item. */
export function keyOf(item: Item): ItemKey {
  return {
    [TABLE.partitionKey]: String(item[TABLE.partitionKey]),
    [TABLE.sortKey]: String(item[TABLE.sortKey]),
  }
}

function nameOf(key: ItemKey): string {
  return JSON.stringify([key[TABLE.partitionKey], key[TABLE.sortKey]])
}
