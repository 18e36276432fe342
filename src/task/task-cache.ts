import type { Task } from './task.ts'

/** Cache of decoded tasks. */
export interface TaskCache {
  get(taskId: string): Task | undefined
  /** @param bytes length of the task as JSON, an estimate of its memory */
  set(task: Task, bytes: number): void
}

/** Sum of the cached tasks as JSON; as objects they take a few times as much. One task has 16 MiB of JSON at most. */
const MAX_BYTES = 16 * 1024 * 1024

/**
 * LRU cache by id. Tasks never change and ids are never reused. A cached task may have been deleted, so callers check its item or name first.
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
      // The last entry of the map is the most recently used one.
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
