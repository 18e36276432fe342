import type { Task, TaskName, TaskSummary } from './task.ts'

/** Identifies a reservation of a task name. */
export interface NameReservation {
  readonly namespace: string
  readonly version: string
  /** Upload that imports the task. */
  readonly uploadId: string
}

/** Stores installed tasks. Reads are strongly consistent unless noted. */
export interface TaskRepository {
  /**
   * Reserves namespace and version for one upload while its image is pushed. Another upload may replace the reservation after
   * `leaseSeconds`; the same upload may repeat it at any time.
   * @throws DomainError INTERNAL_TASK_EXISTS when the name is taken, or reserved by another upload
   */
  reserveName(reservation: NameReservation & { readonly leaseSeconds: number }): Promise<void>
  /** Does nothing when the upload has no reservation of this name. */
  releaseName(reservation: NameReservation): Promise<void>
  /**
   * Adds the task under its id, its name and in {@link list}, in one transaction. Idempotent for the same task and upload.
   * @throws DomainError INTERNAL_TASK_EXISTS when the upload has no reservation of the name
   */
  publish(task: Task, uploadId: string): Promise<void>
  findById(taskId: string): Promise<Task | undefined>
  /**
   * Finds the task of an existing run; undefined for a hidden one, whose runs a removal may not have hidden yet. Usually without a
   * read: it may return a task for 5 s after its removal began in another process.
   */
  findOfRun(taskId: string): Promise<Task | undefined>
  findByName(namespace: string, version: string): Promise<Task | undefined>
  /** All tasks, newest first. May return the same array again while it is current. */
  list(): Promise<readonly TaskSummary[]>
  /**
   * Hides the task from {@link findById}, {@link findByName} and {@link list}, and refuses new runs of it. Its name stays taken until
   * {@link remove}. Idempotent.
   * @param onlyId id that the task must have, since another task may have taken the name meanwhile
   * @returns the task; undefined when there is none of this name and id
   */
  beginRemoval(name: TaskName, onlyId?: string): Promise<Task | undefined>
  /** At most `limit` hidden tasks whose removal last began at `until` or before, oldest first. Eventually consistent. */
  listInRemoval(until: Date, limit: number): Promise<(TaskName & Pick<Task, 'id'>)[]>
  /** Whether the name belongs to a task that is hidden and not removed yet. */
  isInRemoval(name: TaskName): Promise<boolean>
  /** Removes the task and releases its name. Does nothing when the task does not exist. */
  remove(task: Task): Promise<void>
}
