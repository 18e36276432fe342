import type { Item } from '../aws/dynamo-table.ts'
import type { Identity } from '../shared/identity.ts'
import type { Task } from './task.ts'
import { createTaskCache } from './task-cache.ts'
import { decodeMeasuredTask } from './task-item.ts'

/** Time for which a cached task counts as installed for calls on its runs, in milliseconds. */
const CHECKED_MS = 5000

/** Cached tasks, and when each was last known to be installed. */
export interface InstalledTasks {
  /** A task that was installed at some time; undefined when it is not cached. */
  get(taskId: string): Task | undefined
  /** Task of an item; decodes it only once. */
  decode(item: Item, taskId: string): Task
  /** Records that a cached task is installed now, and returns it. */
  checked(task: Task): Task
  /** Whether a task was installed within the last 5 s. */
  isChecked(task: Task): boolean
  /** Ends the 5 s of a task. */
  expire(taskId: string): void
}

export function createInstalledTasks(identity: Identity): InstalledTasks {
  const cache = createTaskCache()
  const checkedAt = new WeakMap<Task, number>()

  return {
    get: cache.get,

    decode(item, taskId) {
      const known = cache.get(taskId)
      if (known !== undefined) return known
      const { task, bytes } = decodeMeasuredTask(item)
      cache.set(task, bytes)
      return task
    },

    checked(task) {
      checkedAt.set(task, identity.now().getTime())
      return task
    },

    isChecked: (task) => identity.now().getTime() - (checkedAt.get(task) ?? 0) < CHECKED_MS,

    expire(taskId) {
      const known = cache.get(taskId)
      if (known !== undefined) checkedAt.delete(known)
    },
  }
}
