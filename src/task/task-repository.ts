import type { Task, TaskName, TaskSummary } from './task.ts'

export interface NameReservation {
  readonly namespace: string
  readonly version: string
  /** The upload that imports this task; the same upload may reserve again. */
  readonly uploadId: string
}

/** Installed tasks. Reads are consistent: an answer shows every write that was answered before. */
export interface TaskRepository {
  /**
   * Keeps namespace + version free for one upload while its image is being pushed. A reservation older than
   * `leaseSeconds` may be taken over.
   * @throws DomainError INTERNAL_TASK_EXISTS when the name is taken or reserved by another upload.
   */
  reserveName(reservation: NameReservation & { readonly leaseSeconds: number }): Promise<void>
  /** Gives a reservation back; nothing happens when this upload holds none. */
  releaseName(reservation: NameReservation): Promise<void>
  /**
   * Makes the task visible by id, by name and in the listing, in one transaction.
   * Repeating it for the same task and upload is harmless.
   * @throws DomainError INTERNAL_TASK_EXISTS when the upload does not hold the reservation (any more).
   */
  publish(task: Task, uploadId: string): Promise<void>
  findById(taskId: string): Promise<Task | undefined>
  /**
   * The task of a run that was found, also while the task is being removed: its removal hides the run by itself. A task never changes,
   * so this may come from memory.
   */
  findOfRun(taskId: string): Promise<Task | undefined>
  findByName(namespace: string, version: string): Promise<Task | undefined>
  /** All tasks, newest first. The same array may be given again, for as long as it is right. */
  list(): Promise<readonly TaskSummary[]>
  /**
   * Takes the task out of sight: from now on it is found neither by id nor by name nor in the listing, and nobody makes a run of it;
   * its name stays taken until {@link remove}. May be repeated until then.
   * @param onlyId a task of this name with another id stays: it was uploaded after the one that is meant was removed
   * @returns the task, or undefined when there is none of this name.
   */
  beginRemoval(name: TaskName, onlyId?: string): Promise<Task | undefined>
  /**
   * Tasks whose removal was begun (or begun again) at `until` at the latest and is not through, longest ago first, at most `limit`.
   * The list lags behind by a moment.
   */
  listInRemoval(until: Date, limit: number): Promise<(TaskName & Pick<Task, 'id'>)[]>
  /** Whether the name is that of a task whose removal has begun and is not through. */
  isInRemoval(name: TaskName): Promise<boolean>
  /** Removes the task from id, name and listing; nothing happens when it is gone. */
  remove(task: Task): Promise<void>
}
