import { DomainError } from '../../src/contract/errors.ts'
import type { Identity } from '../../src/shared/identity.ts'
import { summaryOf, type Task } from '../../src/task/task.ts'
import type { TaskRepository } from '../../src/task/task-repository.ts'

type NameEntry =
  | { readonly status: 'RESERVED'; readonly uploadId: string; readonly leaseUntil: string }
  | { readonly status: 'TAKEN'; readonly uploadId: string; readonly taskId: string }
  | { readonly status: 'IN_REMOVAL'; readonly uploadId: string; readonly taskId: string }

/** Task repository with a synchronous check, which the run repository uses instead of a transaction. */
export interface MemoryTaskRepository extends TaskRepository {
  /** Whether the task exists and is not being removed. */
  isInstalled(taskId: string): boolean
}

/** In-memory task repository for tests. */
export function createMemoryTaskRepository(identity: Identity): MemoryTaskRepository {
  const tasks = new Map<string, Task>()
  const inRemoval = new Map<string, { readonly task: Task; readonly begunAt: string }>()
  const names = new Map<string, NameEntry>()
  const nameKey = (namespace: string, version: string): string => `${namespace}@${version}`

  return {
    async reserveName({ namespace, version, uploadId, leaseSeconds }) {
      const now = identity.now()
      const key = nameKey(namespace, version)
      const entry = names.get(key)
      if (entry !== undefined && entry.uploadId !== uploadId) {
        const isOver = entry.status === 'RESERVED' && entry.leaseUntil <= now.toISOString()
        if (!isOver) throw new DomainError('INTERNAL_TASK_EXISTS')
      }
      if (entry?.status === 'IN_REMOVAL') throw new DomainError('INTERNAL_TASK_EXISTS')
      if (entry?.status === 'TAKEN') return
      const leaseUntil = new Date(now.getTime() + leaseSeconds * 1000).toISOString()
      names.set(key, { status: 'RESERVED', uploadId, leaseUntil })
    },

    async releaseName({ namespace, version, uploadId }) {
      const key = nameKey(namespace, version)
      const entry = names.get(key)
      if (entry?.status === 'RESERVED' && entry.uploadId === uploadId) names.delete(key)
    },

    async publish(task, uploadId) {
      const key = nameKey(task.namespace, task.version)
      const entry = names.get(key)
      const isOwn = entry?.status === 'TAKEN' && entry.taskId === task.id
      const isHeld = entry?.uploadId === uploadId && (entry.status === 'RESERVED' || isOwn)
      if (!isHeld) throw new DomainError('INTERNAL_TASK_EXISTS')
      names.set(key, { status: 'TAKEN', uploadId, taskId: task.id })
      tasks.set(task.id, structuredClone(task))
    },

    async findById(taskId) {
      return structuredClone(tasks.get(taskId))
    },

    async findOfRun(taskId) {
      return structuredClone(tasks.get(taskId))
    },

    async findByName(namespace, version) {
      const entry = names.get(nameKey(namespace, version))
      return entry?.status === 'TAKEN' ? structuredClone(tasks.get(entry.taskId)) : undefined
    },

    async list() {
      const sortKey = (task: Task): string => `${task.createdAt}#${task.id}`
      return structuredClone([...tasks.values()])
        .sort((a, b) => (sortKey(a) < sortKey(b) ? 1 : -1))
        .map(summaryOf)
    },

    isInstalled: (taskId) => tasks.has(taskId),

    async beginRemoval({ namespace, version }, onlyId) {
      const key = nameKey(namespace, version)
      const entry = names.get(key)
      if (entry === undefined || entry.status === 'RESERVED') return undefined
      if (onlyId !== undefined && entry.taskId !== onlyId) return undefined
      const task = tasks.get(entry.taskId) ?? inRemoval.get(entry.taskId)?.task
      if (task === undefined) return undefined
      names.set(key, { ...entry, status: 'IN_REMOVAL' })
      tasks.delete(task.id)
      const { begunAt } = inRemoval.get(task.id) ?? { begunAt: identity.now().toISOString() }
      inRemoval.set(task.id, { task, begunAt })
      return structuredClone(task)
    },

    async listInRemoval(until, limit) {
      return [...inRemoval.values()]
        .filter(({ begunAt }) => begunAt <= until.toISOString())
        .sort((a, b) => (a.begunAt < b.begunAt ? -1 : 1))
        .slice(0, limit)
        .map(({ task: { id, namespace, version } }) => ({ id, namespace, version }))
    },

    async isInRemoval({ namespace, version }) {
      return names.get(nameKey(namespace, version))?.status === 'IN_REMOVAL'
    },

    async remove(task) {
      const key = nameKey(task.namespace, task.version)
      const entry = names.get(key)
      if (entry !== undefined && entry.status !== 'RESERVED' && entry.taskId === task.id) names.delete(key)
      tasks.delete(task.id)
      inRemoval.delete(task.id)
    },
  }
}
