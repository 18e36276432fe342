import {
  createDynamoTable,
  type DynamoOptions,
  type DynamoTable,
  type Item,
  type ItemKey,
  keyOf,
  REMOVED_RUN_SETS,
  UNFINISHED_RUN_SETS,
} from '../../aws/dynamo-table.ts'
import { type Condition, createDynamoWrites, type DynamoWrites, IS_NEW } from '../../aws/dynamo-writes.ts'
import { TABLE } from '../../contract/environment.ts'
import { DomainError } from '../../contract/errors.ts'
import { IS_INSTALLED, taskKey } from '../../task/task-item.ts'
import { IN_REMOVAL, taskRunsPartition } from '../run-items.ts'
import { runSetKey, setIdIn } from '../run-set-key.ts'
import { isUnfinished, type RunSet } from './run-set.ts'
import {
  COUNT_PREFIX,
  decodeCounts,
  decodeRunSet,
  LISTED_SET_PREFIX,
  listedSetId,
  listingKeys,
  SETS_PARTITION,
} from './run-set-items.ts'
import type { RunSetChange, RunSetRepository } from './run-set-repository.ts'

const { partitionKey: INDEX_PARTITION } = TABLE.unfinishedIndex
const LISTED_IN = `#${INDEX_PARTITION}`

/** DynamoDB repository of run sets. */
export function createDynamoRunSetRepository(options: DynamoOptions): RunSetRepository {
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)
  const now = (): string => options.identity.now().toISOString()
  return {
    ...createReads(table),
    ...createChanges(writes, now),
    ...createRemoval(table, writes, now),
  }
}

function createChanges(writes: DynamoWrites, now: () => string): Pick<RunSetRepository, 'create' | 'change'> {
  return {
    async create(runSet) {
      const isCreated = await writes.transact([
        { check: taskKey(runSet.taskId), if: IS_INSTALLED },
        {
          put: { ...runSetKey(runSet.id), ...runSet, [INDEX_PARTITION]: UNFINISHED_RUN_SETS },
          if: IS_NEW,
        },
        ...listingKeys(runSet).map((key) => ({ put: { ...key } })),
      ])
      if (!isCreated) throw new DomainError('INTERNAL_TASK_NOT_FOUND')
    },

    async change(setId, change) {
      const { phase } = change.set
      const isListed = phase === undefined ? undefined : isUnfinished({ phase })
      const { isChanged, item } = await writes.update(runSetKey(setId), {
        ...conditionOf(change.if),
        set: {
          ...change.set,
          updatedAt: now(),
          ...(isListed === true && { [INDEX_PARTITION]: UNFINISHED_RUN_SETS }),
        },
        remove: [...(change.remove ?? []), ...(isListed === false ? [INDEX_PARTITION] : [])],
      })
      return isChanged ? decodeRunSet(item) : undefined
    },
  }
}

function createReads(
  table: DynamoTable,
): Pick<RunSetRepository, 'find' | 'findCounted' | 'counts' | 'list' | 'listIdsByTask' | 'listUnfinished'> {
  return {
    find: async (setId) => visible(await table.get(runSetKey(setId))),

    async findCounted(setId) {
      const key = runSetKey(setId)
      const items = await Array.fromAsync(table.query(key.pk))
      const runSet = visible(items.find(({ sk }) => sk === key.sk))
      return runSet && { runSet, rounds: decodeCounts(items.filter(({ sk }) => sk !== key.sk)) }
    },

    async counts(setId) {
      return decodeCounts(await Array.fromAsync(table.query(runSetKey(setId).pk, { skPrefix: COUNT_PREFIX })))
    },

    async list(limit, after) {
      const listed: ItemKey[] = []
      const pageSize = limit + 1
      const found = table.query(SETS_PARTITION, { isDescending: true, before: after, pageSize })
      for await (const item of found) {
        listed.push(keyOf(item))
        if (listed.length > limit) break
      }
      const page = listed.slice(0, limit)
      const sets = await table.getAll(page.map((key) => runSetKey(listedSetId(key))))
      const next = listed.length > limit ? page.at(-1)?.sk : undefined
      return { sets: sets.flatMap((item) => visible(item) ?? []), ...(next !== undefined && { next }) }
    },

    async listIdsByTask(taskId) {
      const listed = table.query(taskRunsPartition(taskId), { skPrefix: LISTED_SET_PREFIX })
      return Array.fromAsync(listed, (item) => listedSetId(keyOf(item)))
    },

    async listUnfinished(until, limit) {
      const found = await table.listUnfinished(UNFINISHED_RUN_SETS, limit, { until })
      return found.map(({ key }) => setIdIn(key))
    },
  }
}

function createRemoval(
  table: DynamoTable,
  writes: DynamoWrites,
  now: () => string,
): Pick<RunSetRepository, 'beginRemoval' | 'findInRemoval' | 'endRemoval' | 'listRemoved' | 'remove'> {
  return {
    async beginRemoval(setId) {
      const { isChanged, item } = await writes.update(runSetKey(setId), {
        set: { [IN_REMOVAL]: true, [INDEX_PARTITION]: UNFINISHED_RUN_SETS, updatedAt: now() },
        add: { executions: 1 },
        condition: `attribute_exists(#pk) AND (attribute_not_exists(${LISTED_IN}) OR ${LISTED_IN} <> :removed)`,
        values: { ':removed': REMOVED_RUN_SETS },
      })
      return isChanged ? decodeRunSet(item) : undefined
    },

    async findInRemoval(setId) {
      const item = await table.get(runSetKey(setId))
      return item !== undefined && Object.hasOwn(item, IN_REMOVAL) ? decodeRunSet(item) : undefined
    },

    async endRemoval(runSet) {
      const counts = table.query(runSetKey(runSet.id).pk, { skPrefix: COUNT_PREFIX })
      await table.removeAll(await Array.fromAsync(counts, keyOf))
      await table.removeAll(listingKeys(runSet))
      // Last, so that an interrupted removal can be repeated.
      await writes.update(runSetKey(runSet.id), {
        set: { [INDEX_PARTITION]: REMOVED_RUN_SETS, updatedAt: now() },
        condition: 'attribute_exists(#inRemoval)',
      })
    },

    async listRemoved(until, limit) {
      const found = await table.listUnfinished(REMOVED_RUN_SETS, limit, { until })
      return (await table.getAll(found.map(({ key }) => key))).map(decodeRunSet)
    },

    remove: ({ id }) => table.removeAll([runSetKey(id)]),
  }
}

function visible(item: Item | undefined): RunSet | undefined {
  return item === undefined || Object.hasOwn(item, IN_REMOVAL) ? undefined : decodeRunSet(item)
}

/** Condition: the set exists, is not being removed, and has these values. */
function conditionOf(wanted: RunSetChange['if']): Condition {
  const entries = Object.entries(wanted)
  return {
    condition: [
      'attribute_exists(#pk) AND attribute_not_exists(#inRemoval)',
      ...entries.map(([name]) => `#${name} = :if_${name}`),
    ].join(' AND '),
    ...(entries.length > 0 && {
      values: Object.fromEntries(entries.map(([name, value]) => [`:if_${name}`, value])),
    }),
  }
}
