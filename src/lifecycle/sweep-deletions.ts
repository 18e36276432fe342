import { DomainError } from '../contract/errors.ts'
import type { Identity } from '../shared/identity.ts'
import type { TaskName } from '../task/task.ts'
import { completeDeletion } from './delete-run.ts'
import { type DeleteTaskDependencies, deleteTask } from './delete-task.ts'

/** What the completion of deletions works with. */
export interface SweepDeletionsDependencies extends DeleteTaskDependencies {
  readonly identity: Identity
  readonly settings: DeletionSettings
}

/** When deletions are completed. */
export interface DeletionSettings {
  /** A call that deletes a task may still be at it before. */
  readonly graceSeconds: number
  /**
   * After this nothing can come any more for a run that was deleted: longer than the URLs of its stager are valid (an hour), than a
   * function runs that stores an input (15 minutes), and than a job takes to be stopped.
   */
  readonly lateWriteSeconds: number
}

interface DeletionSweep {
  readonly isTimeUp: () => boolean
  /** A task whose deletion had broken off is gone now. That of a run is completed here in any case, and told to nobody. */
  readonly onTaskDeleted: (name: TaskName) => void
  /** One deletion could not be completed; the others are. It is tried again as late as if it had just begun. */
  readonly onProblem: (what: { readonly runId: string } | { readonly task: TaskName }, error: unknown) => void
}

/** At a time; what is left over waits for the next sweep. */
const MOST = 1000

/** Completes deletions of tasks that broke off, and those of runs. */
export async function sweepDeletions(deps: SweepDeletionsDependencies, sweep: DeletionSweep): Promise<void> {
  const before = (seconds: number): Date => new Date(deps.identity.now().getTime() - seconds * 1000)
  for (const { id, ...task } of await deps.tasks.listInRemoval(before(deps.settings.graceSeconds), MOST)) {
    if (sweep.isTimeUp()) return
    try {
      await deleteTask(deps, task, id)
      sweep.onTaskDeleted(task)
    } catch (error) {
      // A client that repeated its call was faster; its name may be another task's by now.
      if (!(error instanceof DomainError)) sweep.onProblem({ task }, error)
    }
  }
  for (const runId of await deps.runs.listInRemoval(before(deps.settings.lateWriteSeconds), MOST)) {
    if (sweep.isTimeUp()) return
    try {
      await completeDeletion(deps, runId)
    } catch (error) {
      sweep.onProblem({ runId }, error)
    }
  }
}
