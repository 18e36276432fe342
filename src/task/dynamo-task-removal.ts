import { type DynamoTable, TASKS_IN_REMOVAL } from '../aws/dynamo-table.ts'
import type { DynamoWrites } from '../aws/dynamo-writes.ts'
import { TABLE } from '../contract/environment.ts'
import type { Identity } from '../shared/identity.ts'
import type { TaskList } from './dynamo-task-list.ts'
import { findTaken, nameKey } from './dynamo-task-names.ts'
import type { InstalledTasks } from './installed-tasks.ts'
import type { Task } from './task.ts'
import { decodeTask, IN_REMOVAL, listingKey, taskKey } from './task-item.ts'
import type { TaskRepository } from './task-repository.ts'

const { partitionKey: INDEX_PARTITION, sortKey: INDEX_TIME } = TABLE.unfinishedIndex

/** Condition: the name belongs to the task. */
const isNameOf = ({ id }: Task) => ({ condition: '#taskId = :taskId', values: { ':taskId': id } })

interface TaskRemovalOptions {
  readonly table: DynamoTable
  readonly writes: DynamoWrites
  readonly identity: Identity
  readonly list: TaskList
  readonly installed: InstalledTasks
}

/** Removal of tasks from the table. */
export function createTaskRemoval({
  table,
  writes,
  identity,
  list,
  installed,
}: TaskRemovalOptions): Pick<TaskRepository, 'beginRemoval' | 'listInRemoval' | 'isInRemoval' | 'remove'> {
  return {
    async beginRemoval({ namespace, version }, onlyId) {
      const holder = await findTaken(table, namespace, version)
      if (onlyId !== undefined && holder?.taskId !== onlyId) return undefined
      const item = holder === undefined ? undefined : await table.get(taskKey(holder.taskId))
      if (item === undefined) return undefined
      const task = decodeTask(item)
      installed.expire(task.id)
      if (Object.hasOwn(item, IN_REMOVAL)) return task
      const isHidden = await list.change(() => hide(writes, task, identity.now()))
      // A concurrent call removed it.
      return isHidden ? task : undefined
    },

    async listInRemoval(until, limit) {
      const places = await table.listUnfinished(TASKS_IN_REMOVAL, limit, { until })
      return (await table.getAll(places.map(({ key }) => key))).map((item) => {
        const { id, namespace, version } = decodeTask(item)
        return { id, namespace, version }
      })
    },

    async isInRemoval({ namespace, version }) {
      return (await findTaken(table, namespace, version))?.status === 'IN_REMOVAL'
    },

    async remove(task) {
      // Fails when the name is free or belongs to another task: then this task was removed before.
      await list.change(() =>
        writes.transact([
          { remove: nameKey(task.namespace, task.version), if: isNameOf(task) },
          { remove: taskKey(task.id) },
          { remove: listingKey(task) },
        ]),
      )
    },
  }
}

/** @returns whether the task was hidden; false when it does not exist */
function hide(writes: DynamoWrites, task: Task, now: Date): Promise<boolean> {
  return writes.transact([
    {
      update: nameKey(task.namespace, task.version),
      change: { set: { status: 'IN_REMOVAL' }, ...isNameOf(task) },
    },
    {
      update: taskKey(task.id),
      change: {
        set: {
          [IN_REMOVAL]: true,
          [INDEX_PARTITION]: TASKS_IN_REMOVAL,
          [INDEX_TIME]: now.toISOString(),
        },
        condition: 'attribute_exists(#document)',
      },
    },
    { remove: listingKey(task) },
  ])
}
