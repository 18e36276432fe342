import type { Item, ItemKey } from '../../aws/dynamo-table.ts'
import type { ItemChange } from '../../aws/dynamo-writes.ts'
import type { SetRunPlace } from '../../contract/set-run-id.ts'
import { taskRunsPartition } from '../run-items.ts'
import { runSetKey } from '../run-set-key.ts'
import { type RunSet, runSetSchema } from './run-set.ts'
import {
  addCounts,
  type CountChange,
  MAX_REASONS,
  NO_COUNTS,
  type RoundCounts,
  shardOf,
} from './set-counts.ts'

/** Partition that lists all sets. */
export const SETS_PARTITION = 'RUNSETS'
/** Prefix of the sort keys that list the sets of a task. */
export const LISTED_SET_PREFIX = 'SET#'
/** Prefix of the sort keys of a set's counts. */
export const COUNT_PREFIX = 'COUNT#'
/** Prefixes of the attributes that count failures by reason, and of those with an example row. */
const REASON = 'reason:'
const EXAMPLE = 'example:'

type Listed = Pick<RunSet, 'id' | 'taskId' | 'createdAt'>

/** Sort key of a set in the listing. */
function listedSortKey({ id, createdAt }: Pick<Listed, 'id' | 'createdAt'>): string {
  return `${createdAt}#${id}`
}

/** Items that list a set: among all sets, and among those of its task. */
export function listingKeys(runSet: Listed): readonly [ItemKey, ItemKey] {
  const sortKey = listedSortKey(runSet)
  return [
    { pk: SETS_PARTITION, sk: sortKey },
    { pk: taskRunsPartition(runSet.taskId), sk: LISTED_SET_PREFIX + sortKey },
  ]
}

/** Id of the set that an item of a listing names. */
export function listedSetId({ sk }: ItemKey): string {
  return sk.slice(sk.lastIndexOf('#') + 1)
}

export function decodeRunSet(item: Item): RunSet {
  return runSetSchema.parse(item)
}

/** Key of one shard of the counts of a round. */
export function countKey(place: SetRunPlace): ItemKey {
  const shard = shardOf(place).toString(16)
  return {
    pk: runSetKey(place.setId).pk,
    sk: `${COUNT_PREFIX}${String(place.round).padStart(3, '0')}#${shard}`,
  }
}

/** Attribute with the numbers of the rows that failed, as texts: at most a sixteenth of the rows, 3 KB. */
const FAILED_ROWS = 'failedRows'

/** The updates that add a change to its shard: the first one whose condition is met is to be made. */
export function additionsOf({ reason, failedRow, ...numbers }: CountChange): readonly ItemChange[] {
  const sums = Object.fromEntries(Object.entries(numbers).filter(([, number]) => number !== 0))
  const elements = failedRow === undefined ? {} : { [FAILED_ROWS]: new Set([String(failedRow)]) }
  if (reason === undefined) return [{ add: sums, addElements: elements }]
  const withReason = (key: string) => ({
    set: { [EXAMPLE + key]: reason.row },
    add: { ...sums, [REASON + key]: 1 },
    addElements: elements,
  })
  const own = withReason(reason.key)
  const isNew = 'attribute_not_exists(#reasonKeys) OR size(#reasonKeys) < :maxReasons'
  return [
    {
      ...own,
      addElements: { ...elements, reasonKeys: new Set([reason.key]) },
      condition: `${isNew} OR contains(#reasonKeys, :reasonKey)`,
      values: { ':maxReasons': MAX_REASONS, ':reasonKey': reason.key },
    },
    withReason(reason.otherKey),
  ]
}

/** Counts by round, from the shards of all rounds. */
export function decodeCounts(items: readonly Item[]): readonly RoundCounts[] {
  const rounds: RoundCounts[] = []
  for (const item of items) {
    const index = Number(String(item.sk).slice(COUNT_PREFIX.length).split('#')[0]) - 1
    while (rounds.length <= index) rounds.push(NO_COUNTS)
    rounds[index] = addCounts(rounds[index] ?? NO_COUNTS, decodeShard(item))
  }
  return rounds
}

function decodeShard(item: Item): RoundCounts {
  const numberAt = (name: string): number => Number(item[name] ?? 0)
  const failedRows = (item[FAILED_ROWS] ?? new Set()) as ReadonlySet<string>
  const reasons = Object.keys(item)
    .filter((name) => name.startsWith(REASON))
    .map((name) => {
      const key = name.slice(REASON.length)
      return [key, { count: numberAt(name), row: numberAt(EXAMPLE + key) }] as const
    })
  return {
    started: numberAt('started'),
    finished: numberAt('finished'),
    failed: numberAt('failed'),
    unstarted: numberAt('unstarted'),
    usd: numberAt('usd'),
    failedRows: new Set(failedRows.values().map(Number)),
    reasons: new Map(reasons),
  }
}
