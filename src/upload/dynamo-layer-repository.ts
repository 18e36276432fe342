import { createDynamoTable, type DynamoOptions, type Item, type ItemKey } from '../aws/dynamo-table.ts'
import { createDynamoWrites } from '../aws/dynamo-writes.ts'
import { TABLE } from '../contract/environment.ts'
import { mapUntilFailure } from '../shared/map-until-failure.ts'
import {
  LAYER_KNOWN_SECONDS,
  type LayerRepository,
  MAX_PLACES,
  type PublishedLayer,
  publishedLayerSchema,
} from './published-layer.ts'

/** Maximum number of concurrent writes. An image has at most 127 layers, each with two digests. */
const WRITES_AT_ONCE = 16

const EXPIRES_AT = TABLE.timeToLive
const partitionOf = (digest: string): string => `LAYER#${digest}`
const keyOf = ({ digest, repository }: Pick<PublishedLayer, 'digest' | 'repository'>): ItemKey => ({
  pk: partitionOf(digest),
  sk: repository,
})

/** Facts about layers in the table, one item for each digest and repository. */
export function createDynamoLayerRepository(options: DynamoOptions): LayerRepository {
  const { identity } = options
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)
  const now = (): number => Math.floor(identity.now().getTime() / 1000)
  /** Whether an item has not expired: DynamoDB takes days to remove an expired one. */
  const isKnown = (item: Item | undefined): item is Item => Number(item?.[EXPIRES_AT]) > now()
  const decode = (item: Item): PublishedLayer => publishedLayerSchema.parse(item)

  async function recordOne(published: PublishedLayer): Promise<void> {
    await writes.update(keyOf(published), {
      set: { ...published, [EXPIRES_AT]: now() + LAYER_KNOWN_SECONDS },
      condition: 'attribute_not_exists(#layer) OR #layer.#diffId = :diffId',
      values: { ':diffId': published.layer.diffId },
    })
  }

  return {
    async record(layers) {
      await mapUntilFailure(layers, recordOne, { concurrency: WRITES_AT_ONCE })
    },

    async find(digest, preferred) {
      const found: Item[] = []
      const own =
        preferred === undefined ? undefined : await table.get(keyOf({ digest, repository: preferred }))
      if (isKnown(own)) found.push(own)
      for await (const item of table.query(partitionOf(digest), { pageSize: MAX_PLACES })) {
        if (found.length >= MAX_PLACES) break
        if (isKnown(item) && item[TABLE.sortKey] !== preferred) found.push(item)
      }
      return found.map(decode)
    },

    async forget(layer) {
      await writes.transact([{ remove: keyOf(layer) }])
    },
  }
}
