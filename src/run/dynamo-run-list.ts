import type { DynamoTable, Item } from '../aws/dynamo-table.ts'
import { TABLE } from '../contract/environment.ts'
import type { Run } from './run.ts'
import {
  decodeListedRun,
  decodeRow,
  LISTED_RUN_PREFIX,
  RUN_SHARDS,
  runKey,
  taskRunsPartition,
  visibleRun,
} from './run-items.ts'
import type { RunRepository } from './run-repository.ts'
import { pageOfRows, type RunRow, rowOf, runOrder } from './run-row.ts'

/** Sort keys of all rows are between these. */
const FIRST = '0'
const LAST = '~'

/** Minimum number of rows that one query of a partition reads: about 8 KB. */
const MIN_PAGE = 25
/** Number of runs of a task that are read together: BatchGetItem allows 100 keys. */
const TASK_PAGE = 100

/** Lists of runs on the table. */
export function createDynamoRunList(table: DynamoTable): Pick<RunRepository, 'listPage' | 'findRows'> {
  async function rowsOf(runIds: readonly string[]): Promise<RunRow[]> {
    const runs = (await table.getAll(runIds.map(runKey))).map(visibleRun)
    return runs.filter((run): run is Run => run !== undefined).map(rowOf)
  }

  async function* ofShard(
    shard: string,
    after: string | undefined,
    pageSize: number,
  ): AsyncGenerator<RunRow> {
    const items = table.queryDescending({
      index: TABLE.runIndex,
      partition: shard,
      from: FIRST,
      to: after ?? LAST,
      pageSize,
    })
    for await (const item of items) {
      const row = decodeRow(item)
      if (runOrder(row) !== after) yield row
    }
  }

  async function* ofTask(taskId: string, after: string | undefined): AsyncGenerator<RunRow> {
    const listed = table.queryDescending({
      partition: taskRunsPartition(taskId),
      from: LISTED_RUN_PREFIX,
      to: `${LISTED_RUN_PREFIX}${after ?? LAST}`,
      pageSize: TASK_PAGE,
    })
    let ids: string[] = []
    for await (const item of listed) {
      if (isAfter(item, after)) ids.push(decodeListedRun(item))
      if (ids.length < TASK_PAGE) continue
      yield* await rowsOf(ids)
      ids = []
    }
    yield* await rowsOf(ids)
  }

  return {
    async listPage(query) {
      const { taskId, after, limit } = query
      const pageSize = Math.max(MIN_PAGE, limit)
      const rows =
        taskId === undefined
          ? newestFirst(RUN_SHARDS.map((shard) => ofShard(shard, after, pageSize)))
          : ofTask(taskId, after)
      return pageOfRows(rows, query)
    },

    async findRows(runIds) {
      return (await rowsOf([...new Set(runIds)])).sort((a, b) => (runOrder(a) < runOrder(b) ? 1 : -1))
    },
  }
}

function isAfter(item: Item, after: string | undefined): boolean {
  return item[TABLE.sortKey] !== `${LISTED_RUN_PREFIX}${after}`
}

/** Merges sources that are each sorted newest first. Memory: one page of each. */
async function* newestFirst(sources: readonly AsyncGenerator<RunRow>[]): AsyncGenerator<RunRow> {
  const heads = await Promise.all(sources.map(async (source) => ({ source, head: await source.next() })))
  for (;;) {
    const open = heads.flatMap((one) => (one.head.done ? [] : [{ place: one, row: one.head.value }]))
    const [first] = open
    if (first === undefined) return
    const newest = open.reduce((best, one) => (runOrder(one.row) > runOrder(best.row) ? one : best), first)
    yield newest.row
    newest.place.head = await newest.place.source.next()
  }
}
