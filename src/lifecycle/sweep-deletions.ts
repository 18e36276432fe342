import pMap from 'p-map'
import { DomainError } from '../contract/errors.ts'
import type { Identity } from '../shared/identity.ts'
import type { TaskName } from '../task/task.ts'
import { completeDeletion } from './delete-run.ts'
import { type DeleteTaskDependencies, deleteTask } from './delete-task.ts'
import { completeSetRemoval } from './remove-run-set.ts'

/** Ports of the sweep. */
export interface SweepDeletionsDependencies extends DeleteTaskDependencies {
  readonly identity: Identity
  readonly settings: DeletionSettings
}

/** Times of the sweep. */
export interface DeletionSettings {
  /** Time after which a call that deletes a task has ended. */
  readonly graceSeconds: number
  /**
   * Time after which no late write for a deleted run is possible: longer than its stager's URLs are valid (an hour),
   * than a function that stores an input runs (15 minutes), and than a job takes to stop.
   */
  readonly lateWriteSeconds: number
}

interface DeletionSweep {
  readonly isTimeUp: () => boolean
  /** Called for each task whose interrupted deletion is complete. Completed deletions of runs are not reported. */
  readonly onTaskDeleted: (name: TaskName) => void
  /** Called for each deletion that failed. The sweep repeats it after the same time as a new one. */
  readonly onProblem: (
    what: { readonly runId: string } | { readonly setId: string } | { readonly task: TaskName },
    error: unknown,
  ) => void
}

/** Maximum number of deletions in one sweep; the others wait for the next one. */
const MAX_REMOVALS = 10_000
/** Maximum number of runs and sets whose deletion is completed concurrently. */
const REMOVALS_AT_ONCE = 10

/**
 * Continues deletions of tasks that a call did not finish, and completes those of runs and run sets. An unfinished deletion of a task is
 * continued in each sweep until its end.
 */
export async function sweepDeletions(deps: SweepDeletionsDependencies, sweep: DeletionSweep): Promise<void> {
  const before = (seconds: number): Date => new Date(deps.identity.now().getTime() - seconds * 1000)
  for (const { id, ...task } of await deps.tasks.listInRemoval(
    before(deps.settings.graceSeconds),
    MAX_REMOVALS,
  )) {
    if (sweep.isTimeUp()) return
    try {
      const isDeleted = await deleteTask(deps, task, { onlyId: id, isTimeUp: sweep.isTimeUp })
      if (isDeleted) sweep.onTaskDeleted(task)
    } catch (error) {
      // A repeated call of the client was faster; the name may belong to another task by now.
      if (!(error instanceof DomainError)) sweep.onProblem({ task }, error)
    }
  }
  const late = before(deps.settings.lateWriteSeconds)
  const complete = async <One>(all: readonly One[], work: (one: One) => Promise<void>): Promise<void> => {
    await pMap(all, async (one) => (sweep.isTimeUp() ? undefined : work(one)), {
      concurrency: REMOVALS_AT_ONCE,
    })
  }
  await complete(await deps.runs.listInRemoval(late, MAX_REMOVALS), async (runId) => {
    try {
      await completeDeletion(deps, runId)
    } catch (error) {
      sweep.onProblem({ runId }, error)
    }
  })
  await complete(await deps.sets.listRemoved(late, MAX_REMOVALS), async (runSet) => {
    try {
      await completeSetRemoval(deps, runSet)
    } catch (error) {
      sweep.onProblem({ setId: runSet.id }, error)
    }
  })
}
