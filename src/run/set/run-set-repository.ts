import type { RunSet } from './run-set.ts'
import type { RoundCounts } from './set-counts.ts'

/** A change of a set, made by one conditional write. */
export interface RunSetChange {
  readonly set: Partial<Omit<RunSet, 'id' | 'taskId' | 'createdAt' | 'updatedAt'>>
  readonly remove?: readonly 'failure'[]
  /** Condition: the set has these values. */
  readonly if: Partial<Pick<RunSet, 'phase' | 'round' | 'executions' | 'done'>>
}

/** A set and the counts of each of its rounds, from the first. */
export interface CountedSet {
  readonly runSet: RunSet
  readonly rounds: readonly RoundCounts[]
}

/** A page of a listing. Sets that are being removed are omitted, so it may be short or empty although there is a next one. */
export interface RunSetPage {
  readonly sets: readonly RunSet[]
  /** Start of the next page; absent on the last one. */
  readonly next?: string
}

/** Stores run sets and reads their counts, which writes to runs update. Reads are strongly consistent unless noted. */
export interface RunSetRepository {
  /** @throws DomainError INTERNAL_TASK_NOT_FOUND when the task does not exist or is being removed */
  create(runSet: RunSet): Promise<void>
  find(setId: string): Promise<RunSet | undefined>
  /** A set with its {@link counts}, by one read of 16 small items for each round. */
  findCounted(setId: string): Promise<CountedSet | undefined>
  /** Counts of each round, from the first. */
  counts(setId: string): Promise<readonly RoundCounts[]>
  /** Newest first. */
  list(limit: number, after?: string): Promise<RunSetPage>
  /** Ids of all sets of a task, including those that are being removed. */
  listIdsByTask(taskId: string): Promise<string[]>
  /** @returns the changed set; undefined, without a change, when a condition failed or the set does not exist */
  change(setId: string, change: RunSetChange): Promise<RunSet | undefined>
  /**
   * Ids of at most `limit` sets whose workflow has work, or that are being removed, and that last changed at or before `until`.
   * Oldest first, eventually consistent.
   */
  listUnfinished(until: Date, limit: number): Promise<string[]>
  /**
   * Hides the set from every method except {@link findInRemoval}, {@link listIdsByTask}, {@link listUnfinished} and {@link remove}.
   * Idempotent.
   * @returns the set with `executions` incremented; undefined when it does not exist, or its removal has ended
   */
  beginRemoval(setId: string): Promise<RunSet | undefined>
  findInRemoval(setId: string): Promise<RunSet | undefined>
  /**
   * Removes the counts and the entries of a hidden set in all lists but {@link listRemoved}. Its record remains, because a late worker
   * or call may still write files. Idempotent, but restarts the time of {@link listRemoved}.
   */
  endRemoval(runSet: RunSet): Promise<void>
  /** At most `limit` sets whose removal ended at `until` or before, oldest first. Eventually consistent. */
  listRemoved(until: Date, limit: number): Promise<RunSet[]>
  /** Removes the record of a set. */
  remove(runSet: RunSet): Promise<void>
}
