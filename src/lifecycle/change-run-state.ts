import type { ObjectStore } from '../aws/object-store.ts'
import { DomainError } from '../contract/errors.ts'
import type { JsonValue } from '../contract/json.ts'
import { MAX_NAMES, quoted, someOf } from '../contract/quoted.ts'
import { placeInSet } from '../contract/set-run-id.ts'
import { topIndexes } from '../inputs/array-provisions.ts'
import { missingInputs } from '../inputs/completeness.ts'
import { matchingProblems } from '../inputs/matching.ts'
import { storeDefaults } from '../inputs/provision-input.ts'
import { discardValues, inInvalidState } from '../inputs/provisioning.ts'
import { findRunAndTask, type Repositories, stateError } from '../run/find-run.ts'
import type { JobScheduler } from '../run/job/job-scheduler.ts'
import type { Run } from '../run/run.ts'
import { RunStateConflictError } from '../run/run-repository.ts'
import { type RunWorkflow, WorkflowUnavailableError } from '../run/run-workflow.ts'
import { isActive, isProvisionable, RUN_STATES, type RunState } from '../run/transitions.ts'
import type { Identity } from '../shared/identity.ts'
import type { ReportProblem } from '../shared/report-problem.ts'
import { timeLeft } from '../shared/time-left.ts'
import { sizeFault, sizeOf } from '../task/parameters/array.ts'
import { shown } from '../task/parameters/shown.ts'
import type { Task } from '../task/task.ts'
import { cancelRun } from './cancel-run.ts'
import { finishByReuse, type Reuse } from './reuse-run.ts'

/** Ports of a state action. */
export interface ChangeStateDependencies extends Repositories {
  readonly identity: Identity
  readonly objects: ObjectStore
  readonly report: ReportProblem
  readonly scheduler: JobScheduler
  readonly workflow: RunWorkflow
}

/** State action CANCELLED, an extension: it is not a state itself. */
const CANCELLED = 'CANCELLED'

/**
 * Executes a state action (run-lifecycle 3).
 * @param desired the state that the client sent, in any letter case
 * @param isReused whether the run, when it is started, takes the outputs of an equal run if one exists
 * @throws DomainError as in the contract's table
 */
export async function changeRunState(
  deps: ChangeStateDependencies,
  runId: string,
  desired: unknown,
  isReused = false,
): Promise<{ readonly run: Run; readonly task: Task }> {
  const { run, task } = await findRunAndTask(deps, runId)
  switch (parseDesired(desired)) {
    case 'PROVISIONED':
      return { run: await provisionRun(deps, run, task), task }
    case 'RUNNING':
      return { run: await startRun(deps, run, task, isReused), task }
    case CANCELLED:
      return { run: await cancelRun(deps, run.id), task }
    case 'FINISHED':
      // Only the engine knows when outputs are valid.
      throw stateError(run.state, 'it becomes FINISHED once its outputs are checked')
    default:
      throw new DomainError('STATE_NOT_REQUESTABLE', undefined, {
        words: `${shown(desired as JsonValue)} cannot be requested; ${REQUESTABLE}`,
      })
  }
}

/** State actions of clients. */
const REQUESTABLE = 'expected {"desired": "RUNNING"} to start the run, or PROVISIONED or CANCELLED'

function parseDesired(desired: unknown): RunState | typeof CANCELLED {
  const word = typeof desired === 'string' ? desired.toUpperCase() : undefined
  const state = ([...RUN_STATES, CANCELLED] as const).find((one) => one === word)
  if (state === undefined) {
    const found =
      desired === undefined ? 'desired is missing' : `${shown(desired as JsonValue)} is not a state`
    throw new DomainError('UNKNOWN_STATE', undefined, { words: `${found}; ${REQUESTABLE}` })
  }
  return state
}

/** @throws RunStateConflictError also when the inputs have changed since the run was read */
function declareProvisioned(deps: ChangeStateDependencies, run: Run): Promise<Run> {
  return deps.runs.transition(run.id, {
    to: 'PROVISIONED',
    from: ['CREATED'],
    ifProvisions: run.provisions,
  })
}

/** Handles a client's request for PROVISIONED; inputs may change concurrently. */
async function provisionRun(deps: ChangeStateDependencies, run: Run, task: Task): Promise<Run> {
  if (run.state !== 'CREATED') throw stateError(run.state, 'only a run that is CREATED becomes PROVISIONED')
  checkProvisioned(run, task)
  try {
    return await declareProvisioned(deps, run)
  } catch (error) {
    if (!(error instanceof RunStateConflictError) || error.run === undefined) throw inInvalidState(error)
    return provisionRun(deps, error.run, task)
  }
}

/** @throws DomainError INTERNAL_NOT_PROVISIONED naming the inputs */
function checkProvisioned(run: Run, task: Task): void {
  const missing = missingInputs(task, run).map((name) => faultOf(run, task, name))
  if (missing.length === 0) return
  throw new DomainError('INTERNAL_NOT_PROVISIONED', undefined, {
    words: `${someOf(missing, MAX_NAMES, '; ')}. Provision them by PUT …/input-provisions, then start again`,
  })
}

/** Explains why an input is not provisioned. */
function faultOf(run: Run, task: Task, name: string): string {
  const type = task.inputs.find((input) => input.name === name)?.type
  const indexes = type?.id === 'array' ? topIndexes(run, name) : undefined
  if (type?.id !== 'array' || indexes === undefined) {
    return `input ${quoted(name, 60)} (${type?.id}) has no value`
  }
  const size = sizeOf(indexes)
  const gap = Array.from({ length: size }, (_, index) => index).find((index) => !indexes.has(index))
  const words =
    gap === undefined || type.allowMissing ? sizeFault(indexes.size, type) : `item ${gap} is missing`
  return `input ${quoted(name, 60)} (array) is incomplete: ${words}`
}

/** @throws DomainError INTERNAL_NOT_MATCHING_… naming the first array that differs (run-lifecycle 6) */
function checkMatching(run: Run, task: Task): void {
  const isInput = (reference: string): boolean => reference.startsWith('inputs/')
  const problems = matchingProblems(task, isInput, (reference) =>
    topIndexes(run, reference.slice('inputs/'.length)),
  )
  const [first] = problems
  if (first !== undefined) throw first
}

/** @throws DomainError INTERNAL_INVALID_TASK_RUN_STATE, INTERNAL_NOT_PROVISIONED, INTERNAL_NOT_MATCHING_… */
function checkStartable(run: Run, task: Task): void {
  if (placeInSet(run.id) !== undefined) throw stateError(run.state, 'its run set starts it')
  if (!isProvisionable(run.state))
    throw stateError(
      run.state,
      'a run can be started once, while it is CREATED or PROVISIONED; create another run',
    )
  // A PROVISIONED run is checked too: an array item that left a gap may not have changed it back to CREATED yet.
  checkInputs(run, task)
}

/** @throws DomainError INTERNAL_NOT_PROVISIONED, INTERNAL_NOT_MATCHING_… */
export function checkInputs(run: Run, task: Task): void {
  checkProvisioned(run, task)
  checkMatching(run, task)
}

/**
 * Conditional write that decides between concurrent starts and provisioning calls. The run starts with the inputs that
 * were checked; when they have changed, the new ones are checked.
 */
async function queueRun(deps: ChangeStateDependencies, run: Run, task: Task, start: Start): Promise<Run> {
  const { defaults, isReused, timeLeftMs } = start
  checkStartable(run, task)
  try {
    const ready = run.state === 'CREATED' ? await declareProvisioned(deps, run) : run
    const provisions = { ...defaults, ...ready.provisions }
    const reuse: Reuse = isReused
      ? await finishByReuse(deps, { run: ready, task }, { provisions, timeLeftMs })
      : {}
    if (reuse.finished !== undefined) return reuse.finished
    return await deps.runs.transition(run.id, {
      to: 'QUEUING',
      from: ['PROVISIONED'],
      ifProvisions: run.provisions,
      set: { provisions, ...(reuse.notReused && { notReused: reuse.notReused }) },
    })
  } catch (error) {
    if (!(error instanceof RunStateConflictError) || error.run === undefined) throw inInvalidState(error)
    return queueRun(deps, error.run, task, start)
  }
}

interface Start {
  /** Stored defaults of inputs without a provision. */
  readonly defaults: Run['provisions']
  /** Whether the run takes the outputs of an equal one. */
  readonly isReused: boolean
  /** Milliseconds that remain for copying the outputs, for all attempts together. */
  readonly timeLeftMs: () => number
}

/** Time for copying outputs. A call must end within 29 s, and requests to S3 that are in progress may take longer than this. */
const REUSE_MS = 12_000

async function startRun(
  deps: ChangeStateDependencies,
  run: Run,
  task: Task,
  isReused: boolean,
): Promise<Run> {
  checkStartable(run, task)
  const timeLeftMs = timeLeft(deps.identity, REUSE_MS)
  const defaults = await storeDefaults(deps, run, task)
  let started: Run
  try {
    started = await queueRun(deps, run, task, { defaults, isReused, timeLeftMs })
  } catch (error) {
    // After any other error, the run may have been started with these values.
    if (error instanceof DomainError) await discardValues(deps, run.id, defaults)
    throw error
  }
  if (!isActive(started.state)) return started
  try {
    await deps.workflow.start(run.id)
    return started
  } catch (error) {
    // The workflow may have started; if not, the sweeper starts it, as after a crash of this process. Failing the run
    // would lose its inputs.
    if (error instanceof WorkflowUnavailableError) return started
    return failNotStarted(deps, run.id, error)
  }
}

/**
 * Fails a run whose workflow was refused, unless it was started after all. If this crashes too, the run stays QUEUING
 * until the sweeper ends it.
 * @throws the error of the start
 */
async function failNotStarted(
  { runs }: ChangeStateDependencies,
  runId: string,
  cause: unknown,
): Promise<Run> {
  const failure = { kind: 'engine-error', message: 'the workflow of the run could not be started' } as const
  try {
    await runs.transition(runId, { to: 'FAILED', from: ['QUEUING'], set: { failure } })
  } catch (error) {
    if (error instanceof RunStateConflictError && error.run !== undefined && isActive(error.run.state))
      return error.run
    throw inInvalidState(error)
  }
  throw cause
}
