import { createDynamoTable, type DynamoOptions, type DynamoTable, keyOf } from '../aws/dynamo-table.ts'
import { createDynamoWrites } from '../aws/dynamo-writes.ts'
import { DomainError } from '../contract/errors.ts'
import { createTaskList } from './dynamo-task-list.ts'
import { createTaskNames, findTaken, nameKey } from './dynamo-task-names.ts'
import { createTaskRemoval } from './dynamo-task-removal.ts'
import { createInstalledTasks, type InstalledTasks } from './installed-tasks.ts'
import { summaryOf, type Task, type TaskSummary } from './task.ts'
import {
  decodeListed,
  decodeTask,
  encodeListed,
  encodeTask,
  IN_REMOVAL,
  LISTING,
  listedIdOf,
  listingKey,
  SUMMARY,
  taskKey,
} from './task-item.ts'
import type { TaskRepository } from './task-repository.ts'

const NAME_STATUSES = { ':reserved': 'RESERVED', ':taken': 'TAKEN' } as const

/** Tasks in the table, each in three items: by id, by name, and in the listing. */
export function createDynamoTaskRepository(options: DynamoOptions): TaskRepository {
  const { identity } = options
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)
  const installed = createInstalledTasks(identity)
  const list = createTaskList({ table, writes, identity, read: () => readList(table) })

  return {
    ...createTaskReads(table, installed),
    ...createTaskNames(writes, identity),

    async publish(task, uploadId) {
      const document = encodeTask(task)
      const isPublished = await list.change(() =>
        writes.transact([
          { put: { ...taskKey(task.id), document } },
          { put: { ...listingKey(task), ...encodeListed(task, document) } },
          {
            update: nameKey(task.namespace, task.version),
            change: {
              set: { status: 'TAKEN', taskId: task.id },
              remove: ['leaseUntil'],
              // The second part makes publish idempotent.
              condition:
                '#uploadId = :uploadId AND (#status = :reserved OR (#status = :taken AND #taskId = :taskId))',
              values: { ...NAME_STATUSES, ':uploadId': uploadId, ':taskId': task.id },
            },
          },
        ]),
      )
      if (!isPublished) throw new DomainError('INTERNAL_TASK_EXISTS')
    },

    list: list.current,

    ...createTaskRemoval({ table, writes, identity, list, installed }),
  }
}

/** Installed tasks by id, by run and by name. */
function createTaskReads(
  table: DynamoTable,
  installed: InstalledTasks,
): Pick<TaskRepository, 'findById' | 'findOfRun' | 'findByName'> {
  async function findById(taskId: string): Promise<Task | undefined> {
    const item = await table.get(taskKey(taskId))
    if (item === undefined || Object.hasOwn(item, IN_REMOVAL)) return undefined
    return installed.checked(installed.decode(item, taskId))
  }

  return {
    findById,

    async findOfRun(taskId) {
      const known = installed.get(taskId)
      if (known === undefined) return findById(taskId)
      if (installed.isChecked(known)) return known
      // The item of the name is small; that of the task may have 400 KB.
      const holder = await findTaken(table, known.namespace, known.version)
      return holder?.status === 'TAKEN' && holder.taskId === taskId ? installed.checked(known) : undefined
    },

    async findByName(namespace, version) {
      const holder = await findTaken(table, namespace, version)
      if (holder?.status !== 'TAKEN') return undefined
      // The name is TAKEN only while the task is installed, so the cache is safe.
      const known = installed.get(holder.taskId)
      return known === undefined ? findById(holder.taskId) : installed.checked(known)
    },
  }
}

/** Existing tasks by id. */
async function findAll(
  table: DynamoTable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, TaskSummary>> {
  const items = await table.getAll(ids.map(taskKey))
  const present = items.filter((item) => !Object.hasOwn(item, IN_REMOVAL)).map(decodeTask)
  return new Map(present.map((task) => [task.id, summaryOf(task)]))
}

async function readList(table: DynamoTable): Promise<readonly TaskSummary[]> {
  const query = { isDescending: true, attribute: SUMMARY }
  const listed = await Array.fromAsync(table.query(LISTING, query), (item) => ({
    id: listedIdOf(keyOf(item)),
    summary: decodeListed(item),
  }))
  const whole = await findAll(
    table,
    listed.flatMap(({ id, summary }) => (summary === undefined ? [id] : [])),
  )
  return listed.flatMap(({ id, summary }) => summary ?? whole.get(id) ?? [])
}
