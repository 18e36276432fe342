import type { InputValue, JobUsage, NotReused, Run, RunFailure, RunJob } from './run.ts'
import type { RunListPage, RunListQuery, RunRow } from './run-row.ts'
import type { RunState } from './transitions.ts'

/** A state change, made by one conditional write. */
export interface RunTransition {
  readonly to: RunState
  /** Restricts the states that the transition table allows. */
  readonly from?: readonly RunState[]
  /** Attributes that are written together with the state. */
  readonly set?: {
    readonly job?: RunJob
    readonly failure?: RunFailure
    readonly outputsPrefix?: string
    readonly resultKey?: string
    readonly reusedFrom?: string
    readonly notReused?: NotReused
    readonly ignoredFiles?: readonly string[]
    readonly provisions?: Run['provisions']
  }
  /** Condition: the run has exactly these provisions, on which the caller based its decision. */
  readonly ifProvisions?: Run['provisions']
  /** Condition: {@link RunJob.attempt} of the run's job. */
  readonly attempt?: number
  /** Condition: the run has exactly this job. */
  readonly ifJob?: RunJob
}

/** A change of a run failed its condition: a concurrent change came first, or the transition table forbids it. */
export class RunStateConflictError extends Error {
  override readonly name = 'RunStateConflictError'
  /** Current run; undefined when it does not exist. */
  readonly run: Run | undefined

  constructor(run: Run | undefined) {
    super(run === undefined ? 'the run does not exist' : `the run is ${run.state}`)
    this.run = run
  }
}

/** Position in the list of active runs. */
export interface ActiveRunsPlace {
  readonly runId: string
  readonly updatedAt: string
}

export interface ActiveRunsPage {
  readonly runs: readonly Run[]
  /** Absent on the last page. */
  readonly next?: ActiveRunsPlace
}

/** A run with its input values. */
export interface NewRun {
  readonly run: Run
  readonly values: readonly InputValue[]
}

/** Maximum number of runs in one transaction. DynamoDB allows 100 items; a run takes two, and task and set are checked. */
export const MAX_RUNS_AT_ONCE = 49

/** Stores runs and their input values. Reads are strongly consistent unless noted; every change is one conditional write. */
export interface RunRepository {
  /** @throws DomainError INTERNAL_TASK_NOT_FOUND when the run's task does not exist or is being removed */
  create(run: Run): Promise<void>
  /**
   * Creates runs of one task with their values. Existing runs stay unchanged, so an interrupted call can be repeated.
   * @param created at most {@link MAX_RUNS_AT_ONCE}, of the same round when they belong to a set
   * @throws DomainError INTERNAL_TASK_NOT_FOUND as {@link create}; RUN_SET_INVALID_STATE when the set no longer creates these
   * runs: it was cancelled or deleted
   */
  createAll(created: readonly NewRun[]): Promise<void>
  find(runId: string): Promise<Run | undefined>
  /** Existing runs, in the order of the ids. */
  findAll(runIds: readonly string[]): Promise<Run[]>
  /** Runs of a task, newest first. */
  listByTask(taskId: string): Promise<Run[]>
  /**
   * One page of all runs or of those of a task, newest first. Reads at most 2000 runs, 500 of a task: a page may be short or
   * empty although it names a next one. The list of all runs is eventually consistent, and lacks runs that earlier versions
   * created.
   */
  listPage(query: RunListQuery): Promise<RunListPage>
  /** Rows of the existing runs, newest first. */
  findRows(runIds: readonly string[]): Promise<RunRow[]>
  /** Ids of all runs of a task, including runs that are being removed. */
  listIdsByTask(taskId: string): Promise<string[]>
  /**
   * Sets the state, its entry in `entered`, and `updatedAt`, if the transition table and the conditions of `transition` allow it.
   * @returns the changed run
   * @throws RunStateConflictError
   */
  transition(runId: string, transition: RunTransition): Promise<Run>
  /**
   * Adds or replaces provisions of parameters and array items, all or none. Their values must be stored before.
   * @returns the changed run, including concurrent provisions that were acknowledged before
   * @throws RunStateConflictError when the run is not CREATED or PROVISIONED
   */
  recordProvisions(runId: string, provisions: Run['provisions']): Promise<Run>
  /**
   * Replaces all provisions by equivalent ones.
   * @returns the changed run
   * @throws RunStateConflictError when the provisions are not `from`, or the run is not CREATED or PROVISIONED
   */
  replaceProvisions(
    runId: string,
    provisions: { readonly from: Run['provisions']; readonly to: Run['provisions'] },
  ): Promise<Run>
  /**
   * Replaces the job, not the state.
   * @param condition the run's job has this attempt (undefined: the run has no job), or is exactly `ifJob`
   * @throws RunStateConflictError when the run is final or does not exist, or the condition fails
   */
  recordJob(
    runId: string,
    job: RunJob,
    condition?: { readonly attempt: number | undefined } | { readonly ifJob: RunJob | undefined },
  ): Promise<Run>
  /**
   * Adds the usage of a job that ended after its run. Leaves `updatedAt` as it is.
   * @returns false, without a change, when the run is not final, does not exist, has a usage or another attempt
   */
  recordUsage(runId: string, attempt: number, usage: JobUsage): Promise<boolean>
  /** Records a FINISHED run as the one to be found by its {@link Run.resultKey}, in place of an earlier one. Idempotent. */
  recordResult(run: Pick<Run, 'id'> & { readonly resultKey: string }): Promise<void>
  /** The run that was last recorded with this key, by two reads of known keys. Undefined when it is gone. */
  findByResult(resultKey: string): Promise<Run | undefined>
  /**
   * Records that the stager has transferred the inputs or the outputs. Leaves `updatedAt` unchanged. Does nothing when the run is
   * not active or does not exist.
   */
  recordStage(runId: string, stage: 'stageIn' | 'stageOut', seconds: number): Promise<void>
  putInput(value: InputValue): Promise<void>
  findInput(runId: string, parameterName: string, valueId: string): Promise<InputValue | undefined>
  /** Does nothing when the value does not exist. */
  removeInput(value: Pick<InputValue, 'runId' | 'parameterName' | 'valueId'>): Promise<void>
  /** Values that the run's provisions refer to, unordered. */
  listInputs(run: Run): Promise<InputValue[]>
  /**
   * Active runs (QUEUING to RUNNING) in pages of at most `limit`: four groups by the last digit of their ids, one after the other, in
   * each the longest unchanged first. Eventually consistent: a run that changes between two pages may appear twice or not at all.
   */
  listActive(limit: number, after?: ActiveRunsPlace): Promise<ActiveRunsPage>
  /**
   * Hides the run from every method except {@link listIdsByTask}, {@link listInRemoval}, {@link postponeRemoval}, {@link unlist} and
   * {@link remove}. Idempotent.
   * @returns the run, with the time of the first call as `updatedAt`; undefined when it does not exist
   */
  beginRemoval(runId: string): Promise<Run | undefined>
  /**
   * Moves a hidden run to the end of {@link listInRemoval}.
   * @returns the run, with a new `updatedAt`; undefined when it does not exist or is not hidden
   */
  postponeRemoval(runId: string): Promise<Run | undefined>
  /** Removes a hidden run from {@link listIdsByTask}. Idempotent. */
  unlist(run: Run): Promise<void>
  /** Ids of at most `limit` hidden runs whose removal last began at `until` or before, oldest first. Eventually consistent. */
  listInRemoval(until: Date, limit: number): Promise<string[]>
  /**
   * Removes the input values of a run that was not created.
   * @returns false, without a change, when the run exists, hidden or not
   */
  discardInputs(runId: string): Promise<boolean>
  /** Removes the run and its input values. Does nothing when the run does not exist. */
  remove(run: Run): Promise<void>
}
