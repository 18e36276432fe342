import type { InputValue, JobUsage, Run, RunFailure, RunJob } from './run.ts'
import type { RunState } from './transitions.ts'

/** A conditional change of a run's state. */
export interface RunTransition {
  readonly to: RunState
  /** Narrower than what the transition table allows, when given. */
  readonly from?: readonly RunState[]
  /** Set together with the state, in the same write. */
  readonly set?: {
    readonly job?: RunJob
    readonly failure?: RunFailure
    readonly outputsPrefix?: string
    readonly provisions?: Run['provisions']
  }
  /** The change is refused unless these are the provisions of the run: what was decided by them still holds. */
  readonly ifProvisions?: Run['provisions']
  /** The change is refused unless the run's present job has this attempt. */
  readonly attempt?: number
  /** The change is refused unless the run's job is exactly this. */
  readonly ifJob?: RunJob
}

/** Thrown by {@link RunRepository}: somebody else changed the run first, or the table forbids the step. */
export class RunStateConflictError extends Error {
  override readonly name = 'RunStateConflictError'
  /** The run as it is now; undefined when it does not exist. */
  readonly run: Run | undefined

  constructor(run: Run | undefined) {
    super(run === undefined ? 'the run does not exist' : `the run is ${run.state}`)
    this.run = run
  }
}

/** A place in the order of active runs. */
export interface ActiveRunsPlace {
  readonly runId: string
  readonly updatedAt: string
}

export interface ActiveRunsPage {
  readonly runs: readonly Run[]
  /** Where the next page begins; absent on the last one. */
  readonly next?: ActiveRunsPlace
}

/** Runs and their inputs. Reads are consistent; every change is one conditional write. */
export interface RunRepository {
  /** @throws DomainError INTERNAL_TASK_NOT_FOUND when the run's task is not there, or is being removed. */
  create(run: Run): Promise<void>
  find(runId: string): Promise<Run | undefined>
  /** Runs of a task with their present state, newest first. */
  listByTask(taskId: string): Promise<Run[]>
  /** Ids of all runs of a task, also of those that are being removed. */
  listIdsByTask(taskId: string): Promise<string[]>
  /**
   * Changes the state by one conditional write (the transition table is the condition) and `updatedAt`.
   * @returns the run after the change.
   * @throws RunStateConflictError
   */
  transition(runId: string, transition: RunTransition): Promise<Run>
  /**
   * Points parameters (or items of arrays) at stored values, or marks them cleared, all in one write; only while inputs may change.
   * The values must be stored before.
   * @returns the run after the change, with the provisions of all parallel calls that were answered before.
   * @throws RunStateConflictError when the run is not CREATED or PROVISIONED.
   */
  recordProvisions(runId: string, provisions: Run['provisions']): Promise<Run>
  /**
   * Exchanges all provisions for others that say the same in another way.
   * @returns the run after the change.
   * @throws RunStateConflictError when they are not `from` (any more), or the run is not CREATED or PROVISIONED.
   */
  replaceProvisions(
    runId: string,
    provisions: { readonly from: Run['provisions']; readonly to: Run['provisions'] },
  ): Promise<Run>
  /**
   * Replaces the job facts without touching the state.
   * @throws RunStateConflictError when the run is final or gone, or the present job is not the one of the condition: has
   * another attempt, or is not exactly `ifJob`.
   */
  recordJob(
    runId: string,
    job: RunJob,
    condition?: { readonly attempt: number | undefined } | { readonly ifJob: RunJob | undefined },
  ): Promise<Run>
  /**
   * Adds what its job took to a run that ended before its job did; nothing else of the run changes.
   * @returns false, and nothing changes, when it is known, or the run goes on, is gone, or has another attempt.
   */
  recordUsage(runId: string, attempt: number, usage: JobUsage): Promise<boolean>
  putInput(value: InputValue): Promise<void>
  findInput(runId: string, parameterName: string, valueId: string): Promise<InputValue | undefined>
  /** Nothing happens when it is gone. */
  removeInput(value: Pick<InputValue, 'runId' | 'parameterName' | 'valueId'>): Promise<void>
  /** Those that the run's provisions point at, in no order. */
  listInputs(run: Run): Promise<InputValue[]>
  /**
   * Active runs (QUEUING to RUNNING), longest unchanged first, in pages of at most `limit`. The order is not consistent: a run
   * that changes meanwhile may come twice, or not yet.
   */
  listActive(limit: number, after?: ActiveRunsPlace): Promise<ActiveRunsPage>
  /**
   * Takes the run out of sight: from now on it does not exist for any other method but {@link listIdsByTask},
   * {@link listInRemoval} and {@link remove}. May be repeated until then.
   * @returns the run as it was, but for `updatedAt`; undefined when there is none.
   */
  beginRemoval(runId: string): Promise<Run | undefined>
  /**
   * Ids of runs whose removal was begun (or begun again) at `until` at the latest and is not through, longest ago first, at most
   * `limit`. The list lags behind by a moment.
   */
  listInRemoval(until: Date, limit: number): Promise<string[]>
  /** Removes the run and its values; nothing happens when it is gone. */
  remove(run: Run): Promise<void>
}
