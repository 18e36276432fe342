import { JOB_FAILED } from '../contract/workflow-errors.ts'
import { usageOf } from '../run/job/cost.ts'
import { parseJobName } from '../run/job/job-definition.ts'
import { explainJobFailure } from '../run/job/job-failure.ts'
import {
  hasEnded,
  isFailure,
  isStalled,
  type JobDetail,
  stateOfJob,
  taskExitCode,
  taskLogStream,
  taskLogStreams,
  waitingOf,
} from '../run/job/job-outcome.ts'
import type { LogStore } from '../run/log-store.ts'
import type { Run, RunJob } from '../run/run.ts'
import { type RunRepository, RunStateConflictError, type RunTransition } from '../run/run-repository.ts'
import type { RunWorkflow } from '../run/run-workflow.ts'
import { canFollow, isFinal } from '../run/transitions.ts'
import { explainByLog } from './explain-by-log.ts'

interface Dependencies {
  readonly runs: RunRepository
  readonly workflow: RunWorkflow
  /** Logs of failed containers. */
  readonly logs: Pick<LogStore, 'read'>
}

/** Effect of an event, for the log. */
export type RecordedEvent = 'recorded' | 'not-ours' | 'stale'

/**
 * Records the state of a job, from an event or from DescribeJobs, in its run. Events come at least once, late and out
 * of order: the attempt must be the run's current one, the rank must grow, and a final state never changes. The
 * conditional write fails when the run's job has changed meanwhile; the decision is then repeated.
 */
export async function recordJobState(deps: Dependencies, job: JobDetail): Promise<RecordedEvent> {
  const name = parseJobName(job.jobName)
  if (name === undefined) return 'not-ours'
  for (;;) {
    const run = await deps.runs.find(name.runId)
    if (run?.job === undefined || run.job.attempt !== name.attempt) return 'stale'
    const update = await withLog(deps, job, findUpdate(run, run.job, job))
    try {
      if (update !== undefined) await write(deps.runs, run, run.job, update)
    } catch (error) {
      // Another writer made progress, so the number of retries is bounded.
      if (!(error instanceof RunStateConflictError)) throw error
      continue
    }
    if (isFinal(run.state)) await recordLateUsage(deps.runs, run, run.job, job)
    // The token is completed even when nothing changed: an earlier writer may have crashed before this step.
    await answerToken(deps, run, run.job, job)
    return update === undefined ? 'stale' : 'recorded'
  }
}

/** Whether the job has facts that the run's record lacks. */
export function hasUpdate(run: Run, job: JobDetail): boolean {
  return run.job !== undefined && findUpdate(run, run.job, job) !== undefined
}

type JobUpdate = Pick<RunTransition, 'set'> & { readonly to?: RunTransition['to']; readonly job: RunJob }

/** Facts that the run lacks; undefined when there are none, or when the run has ended. */
function findUpdate(run: Run, present: RunJob, job: JobDetail): JobUpdate | undefined {
  if (isFinal(run.state)) return undefined
  const known = withFacts(run, present, job)
  if (isFailure(job)) {
    const failure = { ...explainJobFailure(job), attempt: known.attempt }
    return { to: 'FAILED', job: known, set: { failure } }
  }
  // A run stays RUNNING until its outputs are checked, and is FINISHED afterwards.
  const to = job.status === 'SUCCEEDED' ? 'RUNNING' : stateOfJob(job.status)
  if (to !== undefined && canFollow(run.state, to)) return { to, job: known }
  return isSame(known, present) ? undefined : { job: known }
}

/** Adds the failed container's last log lines to the failure. */
async function withLog(
  { logs }: Dependencies,
  job: JobDetail,
  update: JobUpdate | undefined,
): Promise<JobUpdate | undefined> {
  if (update?.set?.failure === undefined) return update
  return { ...update, set: { ...update.set, failure: await explainByLog(logs, job, update.set.failure) } }
}

/** Merges the facts from Batch into the run's job. */
function withFacts(run: Run, present: RunJob, job: JobDetail): RunJob {
  const logStreamName = taskLogStream(job)
  const { waiting: known, isStalled: _, ...facts } = present
  const others = otherStreams(present, job, logStreamName ?? present.logStreamName)
  const waiting = isPlaced(run, job) ? undefined : (waitingOf(job) ?? known)
  const success = job.status === 'SUCCEEDED' && !isFailure(job) ? successOf(present, job) : {}
  // Set once: later events with other times or prices are ignored.
  const usage = hasEnded(job) ? (present.usage ?? usageOf(job)) : undefined
  return {
    ...facts,
    jobId: job.jobId,
    ...(logStreamName === undefined ? {} : { logStreamName }),
    ...(others.length === 0 ? {} : { otherLogStreams: others }),
    ...(waiting === undefined ? {} : { waiting }),
    ...success,
    ...(isStalled(job) ? { isStalled: true } : {}),
    ...(usage === undefined ? {} : { usage }),
  }
}

function successOf(present: RunJob, job: JobDetail): Pick<RunJob, 'succeededAttempt' | 'taskExitCode'> {
  const exitCode = present.taskExitCode ?? taskExitCode(job)
  return {
    succeededAttempt: present.succeededAttempt ?? Math.max(1, job.attempts.length),
    ...(exitCode === undefined ? {} : { taskExitCode: exitCode }),
  }
}

/** Log streams of earlier containers, which a deletion needs after Batch has forgotten the job. */
function otherStreams(
  { otherLogStreams = [], logStreamName = '' }: RunJob,
  job: JobDetail,
  current: string | undefined,
): readonly string[] {
  const all = new Set([...otherLogStreams, logStreamName, ...taskLogStreams(job)])
  return [...all].filter((stream) => stream !== '' && stream !== current)
}

/** Whether the job has a machine. A late event must not make a running run wait again. */
function isPlaced({ state }: Run, { status }: JobDetail): boolean {
  return state === 'RUNNING' || status === 'STARTING' || status === 'RUNNING' || status === 'SUCCEEDED'
}

function isSame(one: RunJob, other: RunJob): boolean {
  return (
    one.jobId === other.jobId &&
    one.logStreamName === other.logStreamName &&
    one.otherLogStreams?.length === other.otherLogStreams?.length &&
    one.succeededAttempt === other.succeededAttempt &&
    one.taskExitCode === other.taskExitCode &&
    one.isStalled === other.isStalled &&
    one.usage?.usd === other.usage?.usd &&
    one.waiting?.reason === other.waiting?.reason
  )
}

/** Records the usage of a job whose run was cancelled or ended by the engine, once the job has ended. */
async function recordLateUsage(
  runs: RunRepository,
  { id }: Run,
  { attempt, usage: known }: RunJob,
  job: JobDetail,
): Promise<void> {
  const usage = hasEnded(job) && known === undefined ? usageOf(job) : undefined
  if (usage !== undefined) await runs.recordUsage(id, attempt, usage)
}

/** @throws RunStateConflictError */
async function write(
  runs: RunRepository,
  run: Run,
  ifJob: RunJob,
  { to, job, set }: JobUpdate,
): Promise<void> {
  if (to === undefined) await runs.recordJob(run.id, job, { ifJob })
  else await runs.transition(run.id, { to, ifJob, set: { ...set, job } })
}

/** Completes the workflow's task token if the job has ended. */
async function answerToken(
  { workflow }: Dependencies,
  run: Run,
  { taskToken }: RunJob,
  job: JobDetail,
): Promise<void> {
  if (taskToken === undefined || !hasEnded(job)) return
  if (!isFailure(job)) return workflow.succeedToken(taskToken, { runId: run.id })
  const { kind, message } = run.failure ?? explainJobFailure(job)
  await workflow.failToken(taskToken, JOB_FAILED, `${kind}: ${message}`)
}
