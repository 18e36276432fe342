import {
  createDynamoTable,
  type DynamoOptions,
  type Item,
  keyOf,
  REMOVED_RUN_SETS,
  UNFINISHED_RUN_SETS,
} from '../../aws/dynamo-table.ts'
import { type Condition, createDynamoWrites, IS_NEW } from '../../aws/dynamo-writes.ts'
import { TABLE } from '../../contract/environment.ts'
import { DomainError } from '../../contract/errors.ts'
import { IS_INSTALLED, taskKey } from '../../task/task-item.ts'
import { IN_REMOVAL, taskRunsPartition } from '../run-items.ts'
import { isUnfinished, type RunSet } from './run-set.ts'
import {
  COUNT_PREFIX,
  decodeCounts,
  decodeRunSet,
  LISTED_SET_PREFIX,
  listedSetId,
  listedSortKey,
  listingKeys,
  runSetKey,
  SETS_PARTITION,
  setIdIn,
} from './run-set-items.ts'
import type { RunSetChange, RunSetRepository } from './run-set-repository.ts'

const { partitionKey: INDEX_PARTITION } = TABLE.unfinishedIndex

/** DynamoDB repository of run sets. */
export function createDynamoRunSetRepository(options: DynamoOptions): RunSetRepository {
  const { identity } = options
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)
  const now = (): string => identity.now().toISOString()

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
      const ids: string[] = []
      const pageSize = limit + 1
      const listed = table.query(SETS_PARTITION, { isDescending: true, before: after, pageSize })
      for await (const item of listed) {
        ids.push(listedSetId(keyOf(item)))
        if (ids.length > limit) break
      }
      const sets = (await table.getAll(ids.slice(0, limit).map(runSetKey))).flatMap(
        (item) => visible(item) ?? [],
      )
      const last = ids.length > limit ? sets.at(-1) : undefined
      return { sets, ...(last && { next: listedSortKey(last) }) }
    },

    async listIdsByTask(taskId) {
      const listed = table.query(taskRunsPartition(taskId), { skPrefix: LISTED_SET_PREFIX })
      return Array.fromAsync(listed, (item) => listedSetId(keyOf(item)))
    },

    async change(setId, change) {
      const { phase } = change.set
      const isListed = phase === undefined ? undefined : isUnfinished({ phase })
      const { isChanged, item } = await writes.update(runSetKey(setId), {
        ...conditionOf(change.if),
        set: [
          ...Object.entries(change.set).map(([name, value]) => [[name], value] as const),
          [['updatedAt'], now()],
          ...(isListed === true ? [[[INDEX_PARTITION], UNFINISHED_RUN_SETS] as const] : []),
        ],
        ...(isListed === false && { remove: [INDEX_PARTITION] }),
      })
      return isChanged ? decodeRunSet(item) : undefined
    },

    async listUnfinished(until, limit) {
      const found = await table.listUnfinished(UNFINISHED_RUN_SETS, limit, { until })
      return found.map(({ key }) => setIdIn(key))
    },

    async beginRemoval(setId) {
      const { isChanged, item } = await writes.update(runSetKey(setId), {
        set: [
          [[IN_REMOVAL], true],
          [[INDEX_PARTITION], UNFINISHED_RUN_SETS],
          [['updatedAt'], now()],
        ],
        add: { executions: 1 },
        condition: 'attribute_exists(#pk) AND (attribute_not_exists(#list) OR #list <> :removed)',
        names: { '#pk': TABLE.partitionKey, '#list': INDEX_PARTITION },
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
        set: [
          [[INDEX_PARTITION], REMOVED_RUN_SETS],
          [['updatedAt'], now()],
        ],
        condition: 'attribute_exists(#inRemoval)',
        names: { '#inRemoval': IN_REMOVAL },
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
      ...entries.map(([name]) => `#if_${name} = :if_${name}`),
    ].join(' AND '),
    names: {
      '#pk': TABLE.partitionKey,
      '#inRemoval': IN_REMOVAL,
      ...Object.fromEntries(entries.map(([name]) => [`#if_${name}`, name])),
    },
    ...(entries.length > 0 && {
      values: Object.fromEntries(entries.map(([name, value]) => [`:if_${name}`, value])),
    }),
  }
}
