import { createHash } from 'node:crypto'
import * as z from 'zod'
import { createDynamoTable, type DynamoOptions, type ItemKey } from '../aws/dynamo-table.ts'
import { createDynamoWrites, IS_NEW } from '../aws/dynamo-writes.ts'
import { TABLE } from '../contract/environment.ts'
import { DomainError } from '../contract/errors.ts'
import { type Store, storeSchema } from './store.ts'
import { inOrderOfCreation } from './store-order.ts'
import type { StoreRepository } from './store-repository.ts'

/** Partition of all stores and of the item that names the default. One is enough, because an installation has few stores. */
const STORES = 'STORES'
const DEFAULT_KEY: ItemKey = { pk: STORES, sk: 'DEFAULT' }

const defaultSchema = z.object({ storeId: z.string() })

const storeKey = (storeId: string): ItemKey => ({ pk: STORES, sk: `STORE#${storeId}` })

/** Key of an item that makes name and host unique. Hashed, because they are long and may contain any separator. */
function uniquenessKey({ name, host }: Pick<Store, 'name' | 'host'>): ItemKey {
  const digest = createHash('sha256')
    .update(JSON.stringify([name, host]))
    .digest('hex')
  return { pk: `STORE#${digest}`, sk: 'STORE' }
}

const EXISTS = { condition: `attribute_exists(#${TABLE.partitionKey})` }

/**
 * DynamoDB repository of app stores. There are two items for each store, and one item that names the default. A default that names a
 * removed store is ignored.
 */
export function createDynamoStoreRepository(options: DynamoOptions): StoreRepository {
  const { identity } = options
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)

  async function list(): Promise<Store[]> {
    const records: Omit<Store, 'isDefault'>[] = []
    let defaultId: string | undefined
    for await (const item of table.query(STORES)) {
      if (item[TABLE.sortKey] === DEFAULT_KEY.sk) defaultId = defaultSchema.parse(item).storeId
      else records.push(storeSchema.parse(item))
    }
    return records
      .map((record) => ({ ...record, isDefault: record.id === defaultId }))
      .sort(inOrderOfCreation)
  }

  return {
    list,

    async create({ id, name, host, createdAt }) {
      const isCreated = await writes.transact([
        { put: { ...storeKey(id), id, name, host, createdAt }, if: IS_NEW },
        { put: { ...uniquenessKey({ name, host }), storeId: id }, if: IS_NEW },
      ])
      if (!isCreated) throw new DomainError('INTERNAL_INVALID_STORE_ALREADY_EXISTS')
    },

    async remove(storeId) {
      const item = await table.get(storeKey(storeId))
      if (item === undefined) return
      // Fails when a concurrent call removed the store: its name and host may belong to another store by now.
      await writes.transact([
        { remove: storeKey(storeId), if: EXISTS },
        { remove: uniquenessKey(storeSchema.parse(item)) },
      ])
    },

    async makeDefault(storeId) {
      const isDone = await writes.transact([
        // The update has the condition that the store exists; its value is not used.
        {
          update: storeKey(storeId),
          change: { ...EXISTS, set: { defaultSince: identity.now().toISOString() } },
        },
        { put: { ...DEFAULT_KEY, storeId } },
      ])
      if (!isDone) throw new DomainError('INTERNAL_INVALID_STORE_NOT_FOUND')
    },

    async findDefault() {
      return (await list()).find((store) => store.isDefault)
    },
  }
}
