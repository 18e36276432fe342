import { JOB_FAILED } from '../contract/workflow-errors.ts'
import { usageOf } from '../run/job/cost.ts'
import { parseJobName } from '../run/job/job-definition.ts'
import {
  explainJobFailure,
  hasEnded,
  isStalled,
  type JobDetail,
  stateOfJob,
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
  /** Where failed containers told why. */
  readonly logs: Pick<LogStore, 'read'>
}

/** What became of an event: told in the log, and what tests look at. */
export type RecordedEvent = 'recorded' | 'not-ours' | 'stale'

/**
 * Takes what Batch says of a job over to its run, be it an event or an answer of DescribeJobs. Events come at least once, late
 * and out of order: the attempt must be the run's present one, the rank must grow, and an end never changes. What is decided
 * here is written only if the job facts of the run are still those that it was decided by; else it is decided again.
 */
export async function recordJobState(deps: Dependencies, job: JobDetail): Promise<RecordedEvent> {
  const name = parseJobName(job.jobName)
  if (name === undefined) return 'not-ours'
  for (;;) {
    const run = await deps.runs.find(name.runId)
    if (run?.job === undefined || run.job.attempt !== name.attempt) return 'stale'
    const news = await withLog(deps, job, newsOf(run, run.job, job))
    try {
      if (news !== undefined) await write(deps.runs, run, run.job, news)
    } catch (error) {
      // Somebody else's write got through, so these repetitions end.
      if (!(error instanceof RunStateConflictError)) throw error
      continue
    }
    if (isFinal(run.state)) await recordLateUsage(deps.runs, run, run.job, job)
    // Also when there is nothing to write: whoever wrote it may have died before this.
    await answerToken(deps, run, run.job, job)
    return news === undefined ? 'stale' : 'recorded'
  }
}

/** Whether a run's record lacks anything of what Batch says of its job. */
export function isNews(run: Run, job: JobDetail): boolean {
  return run.job !== undefined && newsOf(run, run.job, job) !== undefined
}

type News = Pick<RunTransition, 'set'> & { readonly to?: RunTransition['to']; readonly job: RunJob }

/** What a run does not know yet; undefined when it knows everything or has ended. */
function newsOf(run: Run, present: RunJob, job: JobDetail): News | undefined {
  if (isFinal(run.state)) return undefined
  const known = withFacts(run, present, job)
  if (job.status === 'FAILED') {
    const failure = { ...explainJobFailure(job), attempt: known.attempt }
    return { to: 'FAILED', job: known, set: { failure } }
  }
  // A run is RUNNING until its outputs are checked; only then is it FINISHED.
  const to = job.status === 'SUCCEEDED' ? 'RUNNING' : stateOfJob(job.status)
  if (to !== undefined && canFollow(run.state, to)) return { to, job: known }
  return isSame(known, present) ? undefined : { job: known }
}

/** The same, with what the failed container said last. */
async function withLog(
  { logs }: Dependencies,
  job: JobDetail,
  news: News | undefined,
): Promise<News | undefined> {
  if (news?.set?.failure === undefined) return news
  return { ...news, set: { ...news.set, failure: await explainByLog(logs, job, news.set.failure) } }
}

/** The job facts with those that Batch tells. */
function withFacts(run: Run, present: RunJob, job: JobDetail): RunJob {
  const logStreamName = taskLogStream(job)
  const { waiting: known, isStalled: _, ...facts } = present
  const others = otherStreams(present, job, logStreamName ?? present.logStreamName)
  const waiting = isPlaced(run, job) ? undefined : (waitingOf(job) ?? known)
  const succeededAttempt =
    job.status === 'SUCCEEDED' ? (present.succeededAttempt ?? Math.max(1, job.attempts.length)) : undefined
  // Once: a repetition that tells other times, or finds other prices, is no news.
  const usage = hasEnded(job) ? (present.usage ?? usageOf(job)) : undefined
  return {
    ...facts,
    jobId: job.jobId,
    ...(logStreamName === undefined ? {} : { logStreamName }),
    ...(others.length === 0 ? {} : { otherLogStreams: others }),
    ...(waiting === undefined ? {} : { waiting }),
    ...(succeededAttempt === undefined ? {} : { succeededAttempt }),
    ...(isStalled(job) ? { isStalled: true } : {}),
    ...(usage === undefined ? {} : { usage }),
  }
}

/** Whoever deletes the run wants to know of all, when Batch has long forgotten the job. */
function otherStreams(
  { otherLogStreams = [], logStreamName = '' }: RunJob,
  job: JobDetail,
  current: string | undefined,
): readonly string[] {
  const all = new Set([...otherLogStreams, logStreamName, ...taskLogStreams(job)])
  return [...all].filter((stream) => stream !== '' && stream !== current)
}

/** Whether there is a machine for the job; a late event must not make a run wait that runs already. */
function isPlaced({ state }: Run, { status }: JobDetail): boolean {
  return state === 'RUNNING' || status === 'STARTING' || status === 'RUNNING' || status === 'SUCCEEDED'
}

function isSame(one: RunJob, other: RunJob): boolean {
  return (
    one.jobId === other.jobId &&
    one.logStreamName === other.logStreamName &&
    one.otherLogStreams?.length === other.otherLogStreams?.length &&
    one.succeededAttempt === other.succeededAttempt &&
    one.isStalled === other.isStalled &&
    one.usage?.usd === other.usage?.usd &&
    one.waiting?.reason === other.waiting?.reason
  )
}

/** A run that was cancelled, or ended by the engine, has cost something too; its job tells when it has ended itself. */
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
async function write(runs: RunRepository, run: Run, ifJob: RunJob, { to, job, set }: News): Promise<void> {
  if (to === undefined) await runs.recordJob(run.id, job, { ifJob })
  else await runs.transition(run.id, { to, ifJob, set: { ...set, job } })
}

/** The workflow waits for the job's end and for nothing before. */
async function answerToken(
  { workflow }: Dependencies,
  run: Run,
  { taskToken }: RunJob,
  job: JobDetail,
): Promise<void> {
  if (taskToken === undefined) return
  if (job.status === 'SUCCEEDED') await workflow.succeedToken(taskToken, { runId: run.id })
  if (job.status === 'FAILED') {
    const { kind, message } = run.failure ?? explainJobFailure(job)
    await workflow.failToken(taskToken, JOB_FAILED, `${kind}: ${message}`)
  }
}
