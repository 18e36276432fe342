import type { ObjectStore } from '../aws/object-store.ts'
import { placeInSet } from '../contract/set-run-id.ts'
import { KEPT_OF_FAILED_TASK } from '../contract/staging.ts'
import { SUBMIT_ERRORS } from '../contract/workflow-errors.ts'
import { parseJobName } from '../run/job/job-definition.ts'
import { explainJobFailure } from '../run/job/job-failure.ts'
import { hasEnded, isStalled, type JobDetail, mayBeStagingOut, stateOfJob } from '../run/job/job-outcome.ts'
import type { JobScheduler, LiveJob } from '../run/job/job-scheduler.ts'
import type { LogStore } from '../run/log-store.ts'
import type { Run, RunFailure } from '../run/run.ts'
import { type ActiveRunsPlace, type RunRepository, RunStateConflictError } from '../run/run-repository.ts'
import type { RunWorkflow } from '../run/run-workflow.ts'
import { isActive } from '../run/transitions.ts'
import type { Identity } from '../shared/identity.ts'
import { ignoring } from '../shared/ignoring.ts'
import { explainByLog } from './explain-by-log.ts'
import { keepRunLog } from './keep-run-log.ts'
import { hasUpdate, recordJobState } from './record-job-state.ts'
import { stopRun } from './stop-run.ts'

interface Dependencies {
  readonly identity: Identity
  readonly runs: RunRepository
  readonly scheduler: JobScheduler
  readonly workflow: RunWorkflow
  readonly logs: Pick<LogStore, 'read'>
  readonly objects: Pick<ObjectStore, 'put' | 'remove'>
  readonly settings: SweepSettings
}

/** Times of the sweep. */
export interface SweepSettings {
  /**
   * Runs that changed less than this ago are not repaired, except with facts from Batch: a step of the engine may be in
   * progress. Longer than any pause between submission retries (2 minutes) and than one call of submit-job (1 minute).
   */
  readonly graceSeconds: number
  /**
   * Maximum duration of one step while its workflow is running: all retries of a submission (half an hour of pauses when
   * throttled, 2 minutes after other failures, 7 calls of a minute) or of a collection of outputs (the same pauses, 7 calls of 15
   * minutes). After this the workflow's token will not be completed.
   */
  readonly stepLimitSeconds: number
}

/** A repair, for the log. */
export type Repair =
  | { readonly repair: 'state-recorded'; readonly runId: string; readonly status: string }
  | { readonly repair: 'workflow-started'; readonly runId: string }
  | { readonly repair: 'submission-repeated'; readonly runId: string }
  | { readonly repair: 'run-failed'; readonly runId: string; readonly reason: string }
  | { readonly repair: 'workflow-stopped'; readonly runId: string }
  | { readonly repair: 'job-ended'; readonly runId: string; readonly jobId: string }

export interface Sweep {
  /** Remaining time of the call. */
  readonly timeLeftMs: () => number
  /** Position of the previous sweep, if it did not reach the end. */
  readonly after?: ActiveRunsPlace | undefined
  readonly onRepair: (repair: Repair) => void
  /** Called for each run that could not be checked. */
  readonly onProblem: (runId: string, error: unknown) => void
}

export interface SweptRuns {
  readonly runs: number
  /** Age of the least recently changed run; 0 when there were no runs. */
  readonly oldestSeconds: number
  /** Position for the next sweep; undefined at the end. */
  readonly next: ActiveRunsPlace | undefined
}

/** Limit of ids for DescribeJobs. */
const PAGE_SIZE = 100
/** Reserved for work in progress when the time is up. */
const RESERVED_MS = 30_000

/**
 * Repairs active runs after lost events, calls or processes. It records the job states of Batch, starts missing
 * workflows, repeats interrupted submissions, fails runs whose workflow or job is gone, terminates jobs that ECS left
 * waiting for a failed container, and stops jobs and workflows without a run. Each repair is idempotent or a
 * conditional write, so concurrent work takes precedence. The next sweep continues where the time runs out.
 */
export async function sweepRuns(deps: Dependencies, sweep: Sweep): Promise<SweptRuns> {
  const running = new Set(await Array.fromAsync(deps.workflow.listRunning()))

  const attempts = new Map<string, number | undefined>()
  let place = sweep.after
  let oldestSeconds = 0
  do {
    if (isTimeUp(sweep)) return { runs: attempts.size, oldestSeconds, next: place }
    const page = await deps.runs.listActive(PAGE_SIZE, place)
    for (const run of page.runs) oldestSeconds = Math.max(oldestSeconds, unchangedSeconds(deps, run))
    await sweepPage(deps, sweep, page.runs, running)
    for (const run of page.runs) attempts.set(run.id, run.job?.attempt)
    place = page.next
  } while (place !== undefined)
  await stopWorkflows(deps, sweep, running, attempts)
  await endJobs(deps, sweep, attempts)
  return { runs: attempts.size, oldestSeconds, next: undefined }
}

/** Whether the sweep should start no more work. */
export function isTimeUp({ timeLeftMs }: Pick<Sweep, 'timeLeftMs'>): boolean {
  return timeLeftMs() < RESERVED_MS
}

async function sweepPage(
  deps: Dependencies,
  sweep: Sweep,
  page: readonly Run[],
  running: ReadonlySet<string>,
): Promise<void> {
  const described = await deps.scheduler.describe(page.flatMap((run) => run.job?.jobId ?? []))
  const jobs = new Map(described.map((job) => [job.jobId, job]))
  for (const run of page) {
    await guarded(sweep, run.id, () =>
      sweepRun(deps, sweep, run, {
        job: jobs.get(run.job?.jobId ?? ''),
        hasWorkflow: running.has(run.id) || isOfSet(run),
      }),
    )
  }
}

/** Runs of a set have no workflow of their own. The set's workflow is checked separately (src/run-set/sweep-run-sets.ts). */
function isOfSet({ id }: Run): boolean {
  return placeInSet(id) !== undefined
}

/** Isolates the failure of one run from the others. */
async function guarded(sweep: Sweep, runId: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    sweep.onProblem(runId, error)
  }
}

async function sweepRun(
  deps: Dependencies,
  sweep: Sweep,
  run: Run,
  { job, hasWorkflow }: { readonly job: JobDetail | undefined; readonly hasWorkflow: boolean },
): Promise<void> {
  // Recorded without a grace period: the state in Batch is as valid as an event.
  if (job !== undefined) await record(deps, sweep, run, job)
  const { graceSeconds, stepLimitSeconds } = deps.settings
  const ageSeconds = unchangedSeconds(deps, run)
  if (ageSeconds < graceSeconds) return

  if (job === undefined && run.job?.jobId !== undefined) {
    return fail(deps, sweep, run, engineError('AWS Batch no longer knows the job of the run'))
  }
  // A stalled job is ended only after the grace period: ECS usually ends it before, and Batch may retry it.
  if (job !== undefined && run.job?.isStalled && isStalled(job)) {
    if (mayBeStagingOut(job) && ageSeconds < graceSeconds + KEPT_OF_FAILED_TASK.seconds) return
    const failure = { ...explainJobFailure(job), attempt: run.job.attempt }
    return fail(deps, sweep, run, await explainByLog(deps.logs, job, failure))
  }
  if (!hasWorkflow) return sweepWithoutWorkflow(deps, sweep, run)
  if (job !== undefined && !hasEnded(job)) return
  if (ageSeconds >= stepLimitSeconds)
    return fail(deps, sweep, run, engineError('a step of the run never ended'))
  if (job === undefined && run.job !== undefined) await findSubmission(deps, sweep, run)
}

/**
 * Records facts that the run lacks. After the job's end it also completes the token again, since that call may have been lost.
 */
async function record(deps: Dependencies, sweep: Sweep, run: Run, job: JobDetail): Promise<void> {
  if (!hasUpdate(run, job) && !hasEnded(job)) return
  const outcome = await recordJobState(deps, job)
  if (outcome !== 'recorded') return
  // No event was lost: stage-out may be running after a task that failed.
  if (isStalled(job) && stateOfJob(job.status) === run.state) return
  sweep.onRepair({ repair: 'state-recorded', runId: run.id, status: job.status })
  // A failure here must not delay the end of the run.
  await guarded(sweep, run.id, () => keepRunLog(deps, job))
}

/**
 * Handles a run without a running workflow. The list of executions is eventually consistent, so this run's status is
 * read.
 */
async function sweepWithoutWorkflow(deps: Dependencies, sweep: Sweep, run: Run): Promise<void> {
  const status = await deps.workflow.findStatus(run.id)
  if (status === 'RUNNING') return
  const isNew = unchangedSeconds(deps, run) < deps.settings.stepLimitSeconds
  if (status === undefined && run.job === undefined && isNew) {
    await deps.workflow.start(run.id)
    return sweep.onRepair({ repair: 'workflow-started', runId: run.id })
  }
  await fail(
    deps,
    sweep,
    run,
    engineError(`the workflow of the run ended without a result (${status ?? 'never started'})`),
  )
}

/** Handles a submission without a stored job id: finds its job by name, or makes the workflow submit again. */
async function findSubmission(deps: Dependencies, sweep: Sweep, run: Run): Promise<void> {
  if (run.job === undefined) return
  const found = await deps.scheduler.findByName(run.job.jobName)
  if (found !== undefined) return record(deps, sweep, run, found)
  if (run.job.taskToken === undefined) return
  await deps.workflow.failToken(run.job.taskToken, SUBMIT_ERRORS.interrupted, 'the submission did not end')
  sweep.onRepair({ repair: 'submission-repeated', runId: run.id })
}

/** Fails the run. A run that changed since it was read is left to the next sweep. */
async function fail(deps: Dependencies, sweep: Sweep, run: Run, failure: RunFailure): Promise<void> {
  const ifUnchanged = run.job === undefined ? {} : { ifJob: run.job }
  const transition = { to: 'FAILED', from: [run.state], set: { failure }, ...ifUnchanged } as const
  const failed = await ignoring(deps.runs.transition(run.id, transition), RunStateConflictError)
  if (failed === undefined) return
  // The lines after the first are the task's log.
  const [reason = ''] = failure.message.split('\n', 1)
  sweep.onRepair({ repair: 'run-failed', runId: run.id, reason })
  await stopRun({ ...deps, report: (_, { runId }, error) => sweep.onProblem(runId, error) }, run, reason)
}

function engineError(message: string): RunFailure {
  return { kind: 'engine-error', message }
}

const WITHOUT_RUN = 'no run needs it any more'

/** Stops workflows of runs that were deleted, or that ended longer ago than a last step takes. */
async function stopWorkflows(
  deps: Dependencies,
  sweep: Sweep,
  running: ReadonlySet<string>,
  attempts: ReadonlyMap<string, number | undefined>,
): Promise<void> {
  for (const runId of running) {
    if (isTimeUp(sweep)) return
    if (attempts.has(runId)) continue
    await guarded(sweep, runId, async () => {
      if (!isOver(deps, await deps.runs.find(runId))) return
      await deps.workflow.stop(runId, WITHOUT_RUN)
      sweep.onRepair({ repair: 'workflow-stopped', runId })
    })
  }
}

/** Terminates jobs of runs that were deleted or have ended, and jobs that were replaced by another attempt. */
async function endJobs(
  deps: Dependencies,
  sweep: Sweep,
  attempts: ReadonlyMap<string, number | undefined>,
): Promise<void> {
  for await (const job of deps.scheduler.listLive()) {
    if (isTimeUp(sweep)) return
    const name = parseJobName(job.jobName)
    if (name === undefined || isFresh(deps, job) || attempts.get(name.runId) === name.attempt) continue
    await guarded(sweep, name.runId, async () => {
      const run = await deps.runs.find(name.runId)
      if (!isOver(deps, run) && run?.job?.attempt === name.attempt) return
      await deps.scheduler.terminate(job.jobId, WITHOUT_RUN)
      sweep.onRepair({ repair: 'job-ended', runId: name.runId, jobId: job.jobId })
    })
  }
}

function isFresh(deps: Dependencies, job: LiveJob): boolean {
  return secondsSince(deps, job.createdAt) < deps.settings.graceSeconds
}

/** Whether the run is gone, or ended long enough ago for its own clean-up. */
function isOver(deps: Dependencies, run: Run | undefined): boolean {
  if (run === undefined) return true
  return !isActive(run.state) && unchangedSeconds(deps, run) >= deps.settings.graceSeconds
}

function unchangedSeconds(deps: Dependencies, run: Run): number {
  return secondsSince(deps, run.updatedAt ?? run.createdAt)
}

function secondsSince({ identity }: Dependencies, instant: string | number): number {
  return (identity.now().getTime() - new Date(instant).getTime()) / 1000
}
