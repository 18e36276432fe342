import type { Task } from './task.ts'

/** Tasks that this process has decoded. */
export interface TaskCache {
  get(taskId: string): Task | undefined
  /** @param bytes length of the task as JSON, the measure of what it takes in memory */
  set(task: Task, bytes: number): void
}

/** JSON text of the tasks that are kept; as objects they take a few times as much. One descriptor makes 16 MiB at most. */
const MAX_BYTES = 16 * 1024 * 1024

/**
 * Tasks by id, the ones used last: they never change after they were published, and no id is used again. A task in here may have
 * been deleted, so its item or its name has to say first that it is there.
 */
export function createTaskCache(maxBytes = MAX_BYTES): TaskCache {
  const entries = new Map<string, { readonly task: Task; readonly bytes: number }>()
  let total = 0

  function drop(taskId: string): void {
    total -= entries.get(taskId)?.bytes ?? 0
    entries.delete(taskId)
  }

  return {
    get(taskId) {
      const entry = entries.get(taskId)
      if (entry === undefined) return undefined
      // To the end of the order.
      entries.delete(taskId)
      entries.set(taskId, entry)
      return entry.task
    },

    set(task, bytes) {
      drop(task.id)
      if (bytes > maxBytes) return
      entries.set(task.id, { task, bytes })
      total += bytes
      for (const oldest of entries.keys()) {
        if (total <= maxBytes) break
        drop(oldest)
      }
    },
  }
}
