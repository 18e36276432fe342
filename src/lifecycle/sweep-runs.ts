import type { ObjectStore } from '../aws/object-store.ts'
import { SUBMIT_ERRORS } from '../contract/workflow-errors.ts'
import { parseJobName } from '../run/job/job-definition.ts'
import { explainJobFailure, hasEnded, isStalled, type JobDetail } from '../run/job/job-outcome.ts'
import type { JobScheduler, LiveJob } from '../run/job/job-scheduler.ts'
import type { LogStore } from '../run/log-store.ts'
import type { Run, RunFailure } from '../run/run.ts'
import { type ActiveRunsPlace, type RunRepository, RunStateConflictError } from '../run/run-repository.ts'
import type { RunWorkflow } from '../run/run-workflow.ts'
import { isActive } from '../run/transitions.ts'
import type { Identity } from '../shared/identity.ts'
import { explainByLog } from './explain-by-log.ts'
import { keepRunLog } from './keep-run-log.ts'
import { isNews, recordJobState } from './record-job-state.ts'
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

/** When the sweeper steps in. */
export interface SweepSettings {
  /**
   * Nothing is repaired that changed less than this ago, but for what Batch itself tells: a step of the engine is under way.
   * Longer than any pause between two tries of a submission (2 minutes) and than one call of submit-job (1 minute).
   */
  readonly graceSeconds: number
  /**
   * Longest time that the engine may take over a step of its own while its workflow goes on: all tries of a submission (half an
   * hour of pauses while it is throttled, 2 minutes after other failures, 7 calls of a minute), all tries of a collection of outputs
   * (the same pauses, 7 calls of 15 minutes). After this the workflow waits for a word that will not come.
   */
  readonly stepLimitSeconds: number
}

/** Something that was not as it should be, and what was done about it: one line of the log each. */
export type Repair =
  | { readonly repair: 'state-recorded'; readonly runId: string; readonly status: string }
  | { readonly repair: 'workflow-started'; readonly runId: string }
  | { readonly repair: 'submission-repeated'; readonly runId: string }
  | { readonly repair: 'run-failed'; readonly runId: string; readonly reason: string }
  | { readonly repair: 'workflow-stopped'; readonly runId: string }
  | { readonly repair: 'job-ended'; readonly runId: string; readonly jobId: string }

export interface Sweep {
  /** Milliseconds that are left for the whole call. */
  readonly timeLeftMs: () => number
  /** Where the sweep before this one got to, if it did not get to the end. */
  readonly after?: ActiveRunsPlace | undefined
  readonly onRepair: (repair: Repair) => void
  /** One run could not be looked after; the others are. */
  readonly onProblem: (runId: string, error: unknown) => void
}

export interface SweptRuns {
  readonly runs: number
  /** Since the last change of the run that has changed least recently; 0 when there was none to look at. */
  readonly oldestSeconds: number
  /** Where the next sweep should go on; undefined when all was looked at. */
  readonly next: ActiveRunsPlace | undefined
}

/** As many runs as DescribeJobs takes ids. */
const PAGE_SIZE = 100
/** Kept free for what is under way when the time is up. */
const RESERVED_MS = 30_000

/**
 * Looks after all active runs, whatever events, calls or processes were lost: takes over what Batch knows of their jobs, starts
 * workflows that were never started, repeats submissions that broke off, fails runs whose workflow or job is gone, ends jobs that
 * ECS left waiting for a container that has failed, and ends jobs and workflows that no run wants any more. Each repair is a conditional write or a call that may be repeated, so it loses to
 * whoever is faster. When the time runs out the rest waits for the next sweep.
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

/** Whether a sweep should begin nothing more. */
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
        hasWorkflow: running.has(run.id),
      }),
    )
  }
}

/** What fails for one run must not keep the others from being looked after. */
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
  // What Batch tells is the truth at any time, like an event.
  if (job !== undefined) await record(deps, sweep, run, job)
  const { graceSeconds, stepLimitSeconds } = deps.settings
  const ageSeconds = unchangedSeconds(deps, run)
  if (ageSeconds < graceSeconds) return

  if (job === undefined && run.job?.jobId !== undefined) {
    return fail(deps, sweep, run, engineError('AWS Batch does not know the job of the run any more'))
  }
  // Known for the whole grace: ECS mostly ends such a job by itself, and Batch may try it again.
  if (job !== undefined && run.job?.isStalled && isStalled(job)) {
    const failure = { ...explainJobFailure(job), attempt: run.job.attempt }
    return fail(deps, sweep, run, await explainByLog(deps.logs, job, failure))
  }
  if (!hasWorkflow) return sweepWithoutWorkflow(deps, sweep, run)
  if (job !== undefined && !hasEnded(job)) return
  if (ageSeconds >= stepLimitSeconds)
    return fail(deps, sweep, run, engineError('a step of the run never ended'))
  if (job === undefined && run.job !== undefined) await findSubmission(deps, sweep, run)
}

/** Takes over what the run does not know; of an end also answers the token once more, since its answer may be what was lost. */
async function record(deps: Dependencies, sweep: Sweep, run: Run, job: JobDetail): Promise<void> {
  if (!isNews(run, job) && !hasEnded(job)) return
  const outcome = await recordJobState(deps, job)
  if (outcome !== 'recorded') return
  sweep.onRepair({ repair: 'state-recorded', runId: run.id, status: job.status })
  // What fails here must not keep the run from its end.
  await guarded(sweep, run.id, () => keepRunLog(deps, job))
}

/** The list of running workflows lags behind, so the run's own is asked for. */
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

/** A submission whose job id was not stored: its job is found by its name, or the workflow is told to submit again. */
async function findSubmission(deps: Dependencies, sweep: Sweep, run: Run): Promise<void> {
  if (run.job === undefined) return
  const found = await deps.scheduler.findByName(run.job.jobName)
  if (found !== undefined) return record(deps, sweep, run, found)
  if (run.job.taskToken === undefined) return
  await deps.workflow.failToken(run.job.taskToken, SUBMIT_ERRORS.interrupted, 'the submission did not end')
  sweep.onRepair({ repair: 'submission-repeated', runId: run.id })
}

/** Ends a run that nobody else will end. One that has changed since it was read is left to the next sweep. */
async function fail(deps: Dependencies, sweep: Sweep, run: Run, failure: RunFailure): Promise<void> {
  const ifUnchanged = run.job === undefined ? {} : { ifJob: run.job }
  try {
    await deps.runs.transition(run.id, { to: 'FAILED', from: [run.state], set: { failure }, ...ifUnchanged })
  } catch (error) {
    if (error instanceof RunStateConflictError) return
    throw error
  }
  // What follows the first line is the task's log.
  const [reason = ''] = failure.message.split('\n', 1)
  sweep.onRepair({ repair: 'run-failed', runId: run.id, reason })
  await stopRun({ ...deps, report: (_, { runId }, error) => sweep.onProblem(runId, error) }, run, reason)
}

function engineError(message: string): RunFailure {
  return { kind: 'engine-error', message }
}

const NOT_WANTED = 'no run wants it any more'

/** Stops workflows of runs that were deleted, or have ended for longer than a last step takes. */
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
      await deps.workflow.stop(runId, NOT_WANTED)
      sweep.onRepair({ repair: 'workflow-stopped', runId })
    })
  }
}

/** Ends jobs of runs that were deleted or have ended, and jobs in whose place another was submitted. */
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
      await deps.scheduler.terminate(job.jobId, NOT_WANTED)
      sweep.onRepair({ repair: 'job-ended', runId: name.runId, jobId: job.jobId })
    })
  }
}

function isFresh(deps: Dependencies, job: LiveJob): boolean {
  return secondsSince(deps, job.createdAt) < deps.settings.graceSeconds
}

/** Whether the run is gone, or has had its end long enough for whoever gave it to clear up. */
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
