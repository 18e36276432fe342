import type { DynamoTable, Item, ItemKey } from '../aws/dynamo-table.ts'
import { type DynamoWrites, isCancelled } from '../aws/dynamo-writes.ts'
import type { Identity } from '../shared/identity.ts'
import type { TaskSummary } from './task.ts'

/*
 * The list of tasks, kept in the process until it changes (decision 16).
 *
 * One item names the version of the list. A change adds a mark to the item, writes the tasks, and removes the mark; both updates
 * give the item a new version. A process reads the item, consistently, before each list:
 *
 * - with a mark, a change may be under way: the list is read from the table and not kept;
 * - with the version of the kept list, no change began since before that list was read: the kept list is right;
 * - with another version, the list is read from the table, after the item, and kept under that version.
 *
 * The item is in no transaction, so that changes at the same time never conflict, and a list does not depend on how DynamoDB orders
 * the reads of several items during a transaction.
 */

/** Its own partition: a query for the tasks does not meet it. */
const LIST_KEY: ItemKey = { pk: 'TASK_LIST', sk: 'TASK_LIST' }
/** A change's attribute of the item is this and a unique id; the value is the time at which the change began. */
const MARK = 'changing#'
/** Counts the updates of the item. A number, because a repeated request that arrives late must not bring a former version back. */
const VERSION = 'version'
/** A process that left its mark behind is gone by then: a function runs for 15 minutes at most. */
const MARK_SECONDS = 20 * 60
/** Bounds how long a task stays unseen that an earlier version of this program publishes during a deployment: it writes no marks. */
const KEPT_SECONDS = 60
/** JSON text of a list that is kept, as much as an answer may have; as objects and text together it takes about five times as much. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024

/** The list of tasks of one process, right also for what other processes change. */
export interface TaskList {
  /** The list as it is now; the same array for as long as it is kept. */
  current(): Promise<readonly TaskSummary[]>
  /** Writes something that may change the list. After a failure that leaves open whether the write was made, the mark stays. */
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

/** Keeps one list of at most `maxKeptBytes` JSON text. */
export function createTaskList({
  table,
  writes,
  identity,
  read,
  maxKeptBytes = MAX_KEPT_BYTES,
}: TaskListOptions): TaskList {
  let kept: KeptList | undefined

  const isPast = (time: number, seconds: number): boolean => identity.now().getTime() - time >= seconds * 1000
  const isLeftBehind = (mark: unknown): boolean => isPast(Date.parse(String(mark)), MARK_SECONDS)

  /** Undefined while a change is under way, and where nothing has ever changed under this version of the program. */
  function versionOf(item: Item | undefined): unknown {
    const marks = marksOf(item ?? {})
    return marks.every(([, time]) => isLeftBehind(time)) ? item?.[VERSION] : undefined
  }

  return {
    async current() {
      const version = versionOf(await table.get(LIST_KEY))
      if (version !== undefined && kept?.version === version && !isPast(kept.readAt, KEPT_SECONDS)) {
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
      const begun = { set: [[[mark], identity.now().toISOString()]], add: { [VERSION]: 1 } } as const
      const { item = {} } = await writes.update(LIST_KEY, begun)
      const end = async (): Promise<void> => {
        const leftBehind = marksOf(item).filter(([, time]) => isLeftBehind(time))
        const remove = [mark, ...leftBehind.map(([name]) => name)]
        await writes.update(LIST_KEY, { set: [], add: { [VERSION]: 1 }, remove })
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
