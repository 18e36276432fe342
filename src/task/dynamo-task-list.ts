import type { DynamoTable, Item, ItemKey } from '../aws/dynamo-table.ts'
import { type DynamoWrites, isCancelled } from '../aws/dynamo-writes.ts'
import type { Identity } from '../shared/identity.ts'
import type { TaskSummary } from './task.ts'

/*
 * Cache of the task list in a process (ADR 16).
 *
 * One item contains the version of the list. A change adds a mark to the item, writes the tasks, and removes the mark. Both updates
 * increment the version. Before each use, a process reads the item consistently:
 *
 * - With a mark, a change may be in progress: the list is read from the table and not cached.
 * - With the cached list's version, no change has started since that list was read: the cached list is current.
 * - With another version, the list is read from the table after the item, and cached under that version.
 *
 * The item is in no transaction. Concurrent changes therefore never conflict, and a list does not depend on the order in which DynamoDB
 * reads several items during a transaction.
 */

/** Key of the item, in a partition of its own, so that queries for tasks do not return it. */
const LIST_KEY: ItemKey = { pk: 'TASK_LIST', sk: 'TASK_LIST' }
/** Prefix of a change's attribute; a unique id follows. The value is the start time of the change. */
const MARK = 'changing#'
/** Counts the updates. A number, so that a late retry of a request cannot restore an earlier version. */
const VERSION = 'version'
/** Older marks were left by crashed processes: a function runs for at most 15 minutes. */
const MARK_SECONDS = 20 * 60
/** Bounds the age of the cache during a deployment, since an earlier version of this program writes no marks. */
const CACHE_SECONDS = 60
/**
 * Maximum size of the cached list as JSON text, equal to the largest response. Objects and text together take about five
 * times as much memory.
 */
const MAX_CACHED_BYTES = 4 * 1024 * 1024

/** Task list of one process, current also after changes by other processes. */
export interface TaskList {
  /** The current list; the same array while it is cached. */
  current(): Promise<readonly TaskSummary[]>
  /**
   * Performs a write that may change the list. If it fails and its outcome is unknown, its mark stays in the item, so that no process
   * caches the list until the mark is {@link MARK_SECONDS} old.
   */
  change<Result>(write: () => Promise<Result>): Promise<Result>
}

interface TaskListOptions {
  readonly table: DynamoTable
  readonly writes: DynamoWrites
  readonly identity: Identity
  /** Reads all tasks from the table. */
  readonly read: () => Promise<readonly TaskSummary[]>
  readonly maxKeptBytes?: number
}

interface KeptList {
  readonly version: unknown
  readonly tasks: readonly TaskSummary[]
  readonly readAt: number
}

/** Caches one list of at most `maxKeptBytes` of JSON text. */
export function createTaskList({
  table,
  writes,
  identity,
  read,
  maxKeptBytes = MAX_CACHED_BYTES,
}: TaskListOptions): TaskList {
  let kept: KeptList | undefined

  const isPast = (time: number, seconds: number): boolean => identity.now().getTime() - time >= seconds * 1000
  const isLeftBehind = (mark: unknown): boolean => isPast(Date.parse(String(mark)), MARK_SECONDS)

  /** Version of the list; undefined while a change is in progress, and before the first change. */
  function versionOf(item: Item | undefined): unknown {
    const marks = marksOf(item ?? {})
    return marks.every(([, time]) => isLeftBehind(time)) ? item?.[VERSION] : undefined
  }

  return {
    async current() {
      const version = versionOf(await table.get(LIST_KEY))
      if (version !== undefined && kept?.version === version && !isPast(kept.readAt, CACHE_SECONDS)) {
        return kept.tasks
      }
      const readAt = identity.now().getTime()
      const tasks = await read()
      const isKept = version !== undefined && Buffer.byteLength(JSON.stringify(tasks)) <= maxKeptBytes
      kept = isKept ? { version, tasks, readAt } : undefined
      return tasks
    },

    async change(write) {
      const mark = `${MARK}${identity.uuid()}`
      const begun = { set: { [mark]: identity.now().toISOString() }, add: { [VERSION]: 1 } }
      const { item = {} } = await writes.update(LIST_KEY, begun)
      const end = async (): Promise<void> => {
        const leftBehind = marksOf(item).filter(([, time]) => isLeftBehind(time))
        const remove = [mark, ...leftBehind.map(([name]) => name)]
        await writes.update(LIST_KEY, { add: { [VERSION]: 1 }, remove })
      }
      const result = await write().catch(async (error: unknown) => {
        if (isCancelled(error)) await end()
        throw error
      })
      await end()
      return result
    },
  }
}

function marksOf(item: Item): [name: string, time: unknown][] {
  return Object.entries(item).filter(([name]) => name.startsWith(MARK))
}
