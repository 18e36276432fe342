import { createHash } from 'node:crypto'
import * as z from 'zod'
import { createDynamoTable, type DynamoOptions, type ItemKey } from '../aws/dynamo-table.ts'
import { createDynamoWrites, IS_NEW } from '../aws/dynamo-writes.ts'
import { TABLE } from '../contract/environment.ts'
import { DomainError } from '../contract/errors.ts'
import { type Store, storeSchema } from './store.ts'
import { inOrderOfCreation } from './store-order.ts'
import type { StoreRepository } from './store-repository.ts'

/** Partition of all stores, few as they are, and of the item that names the default. */
const STORES = 'STORES'
const DEFAULT_KEY: ItemKey = { pk: STORES, sk: 'DEFAULT' }

const defaultSchema = z.object({ storeId: z.string() })

const storeKey = (storeId: string): ItemKey => ({ pk: STORES, sk: `STORE#${storeId}` })

/** Taken by the one store of this name and host; hashed, because keys are short and have no room for a separator. */
function uniquenessKey({ name, host }: Pick<Store, 'name' | 'host'>): ItemKey {
  const digest = createHash('sha256')
    .update(JSON.stringify([name, host]))
    .digest('hex')
  return { pk: `STORE#${digest}`, sk: 'STORE' }
}

const EXISTS = { condition: 'attribute_exists(#pk)', names: { '#pk': TABLE.partitionKey } } as const

/**
 * App stores in the table: two items each, and one that names the default. A default that names a store that is gone is none,
 * which is how removing the default store leaves no default.
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
      // Refused when somebody else removed it first: its name and host may be another store's by now.
      await writes.transact([
        { remove: storeKey(storeId), if: EXISTS },
        { remove: uniquenessKey(storeSchema.parse(item)) },
      ])
    },

    async makeDefault(storeId) {
      const isDone = await writes.transact([
        // The change is for the condition's sake: no removal comes between it and the switch.
        {
          update: storeKey(storeId),
          change: { ...EXISTS, set: [[['defaultSince'], identity.now().toISOString()]] },
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
