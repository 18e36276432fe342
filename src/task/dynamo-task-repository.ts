import * as z from 'zod'
import {
  createDynamoTable,
  type DynamoOptions,
  type Item,
  type ItemKey,
  keyOf,
  TASKS_IN_REMOVAL,
} from '../aws/dynamo-table.ts'
import { createDynamoWrites } from '../aws/dynamo-writes.ts'
import { TABLE } from '../contract/environment.ts'
import { DomainError } from '../contract/errors.ts'
import { createTaskList } from './dynamo-task-list.ts'
import { summaryOf, type Task, type TaskSummary } from './task.ts'
import { createTaskCache } from './task-cache.ts'
import {
  decodeListed,
  decodeMeasuredTask,
  decodeTask,
  encodeListed,
  encodeTask,
  IN_REMOVAL,
  SUMMARY,
  taskKey,
} from './task-item.ts'
import type { TaskRepository } from './task-repository.ts'

const { partitionKey: INDEX_PARTITION, sortKey: INDEX_TIME } = TABLE.unfinishedIndex

/** Partition that lists all tasks by creation. */
const LISTING = 'TASKS'

const nameSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('RESERVED'), uploadId: z.string(), leaseUntil: z.string() }),
  z.object({ status: z.literal('TAKEN'), uploadId: z.string(), taskId: z.string() }),
  z.object({ status: z.literal('IN_REMOVAL'), uploadId: z.string(), taskId: z.string() }),
])

const nameKey = (namespace: string, version: string): ItemKey => ({
  pk: `NAME#${namespace}@${version}`,
  sk: 'NAME',
})
const listingKey = (task: Task): ItemKey => ({ pk: LISTING, sk: `${task.createdAt}#${task.id}` })
const listedIdOf = ({ sk }: ItemKey): string => sk.slice(sk.indexOf('#') + 1)

const NAME_STATUSES = { ':reserved': 'RESERVED', ':taken': 'TAKEN' } as const

/** Condition: the name belongs to the task. */
const isNameOf = ({ id }: Task) => ({ condition: '#taskId = :taskId', values: { ':taskId': id } })

/** Time for which a cached task counts as installed for calls on its runs, in milliseconds. */
const CHECKED_MS = 5000

/** Tasks in the table, each in three items: by id, by name, and in the listing. */
export function createDynamoTaskRepository(options: DynamoOptions): TaskRepository {
  const { identity } = options
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)

  const cache = createTaskCache()

  /** Time at which a cached task was known to be installed. */
  const checkedAt = new WeakMap<Task, number>()

  function checked(task: Task): Task {
    checkedAt.set(task, identity.now().getTime())
    return task
  }

  function isChecked(task: Task): boolean {
    return identity.now().getTime() - (checkedAt.get(task) ?? 0) < CHECKED_MS
  }

  /** Task of an item; decodes it only once. */
  function taskIn(item: Item, taskId: string): Task {
    const known = cache.get(taskId)
    if (known !== undefined) return known
    const { task, bytes } = decodeMeasuredTask(item)
    cache.set(task, bytes)
    return task
  }

  async function findById(taskId: string): Promise<Task | undefined> {
    const item = await table.get(taskKey(taskId))
    return item === undefined || Object.hasOwn(item, IN_REMOVAL) ? undefined : checked(taskIn(item, taskId))
  }

  /** Existing tasks by id. */
  async function findAll(ids: readonly string[]): Promise<ReadonlyMap<string, TaskSummary>> {
    const items = await table.getAll(ids.map(taskKey))
    const present = items.filter((item) => !Object.hasOwn(item, IN_REMOVAL)).map(decodeTask)
    return new Map(present.map((task) => [task.id, summaryOf(task)]))
  }

  async function readList(): Promise<readonly TaskSummary[]> {
    const query = { isDescending: true, attribute: SUMMARY }
    const listed = await Array.fromAsync(table.query(LISTING, query), (item) => ({
      id: listedIdOf(keyOf(item)),
      summary: decodeListed(item),
    }))
    const whole = await findAll(listed.flatMap(({ id, summary }) => (summary === undefined ? [id] : [])))
    return listed.flatMap(({ id, summary }) => summary ?? whole.get(id) ?? [])
  }

  const list = createTaskList({ table, writes, identity, read: readList })

  /** Task that has the name, hidden ones included. */
  async function findHolder(namespace: string, version: string) {
    const item = await table.get(nameKey(namespace, version))
    const name = item === undefined ? undefined : nameSchema.parse(item)
    return name === undefined || name.status === 'RESERVED' ? undefined : name
  }

  return {
    findById,

    async findOfRun(taskId) {
      const known = cache.get(taskId)
      if (known === undefined) return findById(taskId)
      if (isChecked(known)) return known
      // The item of the name is small; that of the task may have 400 KB.
      const holder = await findHolder(known.namespace, known.version)
      return holder?.status === 'TAKEN' && holder.taskId === taskId ? checked(known) : undefined
    },

    async reserveName({ namespace, version, uploadId, leaseSeconds }) {
      const now = identity.now()
      const { isChanged, item } = await writes.update(nameKey(namespace, version), {
        set: {
          status: 'RESERVED',
          uploadId,
          leaseUntil: new Date(now.getTime() + leaseSeconds * 1000).toISOString(),
        },
        condition:
          'attribute_not_exists(#status) OR (#status = :reserved AND (#uploadId = :uploadId OR #leaseUntil <= :now))',
        values: { ':reserved': 'RESERVED', ':uploadId': uploadId, ':now': now.toISOString() },
      })
      if (isChanged) return
      // The same import published the task before and is being retried.
      const name = item === undefined ? undefined : nameSchema.parse(item)
      if (name?.uploadId === uploadId && name.status === 'TAKEN') return
      throw new DomainError('INTERNAL_TASK_EXISTS')
    },

    async releaseName({ namespace, version, uploadId }) {
      const held = {
        condition: '#status = :reserved AND #uploadId = :uploadId',
        values: { ':reserved': 'RESERVED', ':uploadId': uploadId },
      }
      await writes.transact([{ remove: nameKey(namespace, version), if: held }])
    },

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

    async findByName(namespace, version) {
      const holder = await findHolder(namespace, version)
      if (holder?.status !== 'TAKEN') return undefined
      // The name is TAKEN only while the task is installed, so the cache is safe.
      const known = cache.get(holder.taskId)
      return known === undefined ? findById(holder.taskId) : checked(known)
    },

    list: list.current,

    async beginRemoval({ namespace, version }, onlyId) {
      const holder = await findHolder(namespace, version)
      if (onlyId !== undefined && holder?.taskId !== onlyId) return undefined
      const item = holder === undefined ? undefined : await table.get(taskKey(holder.taskId))
      if (holder === undefined || item === undefined) return undefined
      const task = decodeTask(item)
      const known = cache.get(task.id)
      if (known !== undefined) checkedAt.delete(known)
      if (Object.hasOwn(item, IN_REMOVAL)) return task
      const isBegun = await list.change(() =>
        writes.transact([
          {
            update: nameKey(namespace, version),
            change: { set: { status: 'IN_REMOVAL' }, ...isNameOf(task) },
          },
          {
            update: taskKey(task.id),
            change: {
              set: {
                [IN_REMOVAL]: true,
                [INDEX_PARTITION]: TASKS_IN_REMOVAL,
                [INDEX_TIME]: identity.now().toISOString(),
              },
              condition: 'attribute_exists(#document)',
            },
          },
          { remove: listingKey(task) },
        ]),
      )
      // A concurrent call removed it.
      return isBegun ? task : undefined
    },

    async listInRemoval(until, limit) {
      const places = await table.listUnfinished(TASKS_IN_REMOVAL, limit, { until })
      return (await table.getAll(places.map(({ key }) => key))).map((item) => {
        const { id, namespace, version } = decodeTask(item)
        return { id, namespace, version }
      })
    },

    async isInRemoval({ namespace, version }) {
      return (await findHolder(namespace, version))?.status === 'IN_REMOVAL'
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
