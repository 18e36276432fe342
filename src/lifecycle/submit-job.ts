import type { ObjectStore } from '../aws/object-store.ts'
import type { JobQueues } from '../contract/job-queues.ts'
import { placeInSet } from '../contract/set-run-id.ts'
import { STAGER_VARIABLES } from '../contract/staging.ts'
import { SUBMIT_ERRORS } from '../contract/workflow-errors.ts'
import type { Repositories } from '../run/find-run.ts'
import { describeOverrides, jobNameOf } from '../run/job/job-definition.ts'
import type { JobDetail } from '../run/job/job-outcome.ts'
import { JobRefusedError, type JobScheduler, JobThrottledError } from '../run/job/job-scheduler.ts'
import { shareOf } from '../run/job/job-share.ts'
import { queueGone } from '../run/job/placement.ts'
import type { LogStore } from '../run/log-store.ts'
import type { NotReused, Run, RunFailure, RunJob } from '../run/run.ts'
import { RunStateConflictError } from '../run/run-repository.ts'
import type { RunWorkflow } from '../run/run-workflow.ts'
import { isActive } from '../run/transitions.ts'
import type { Identity } from '../shared/identity.ts'
import { ignoring } from '../shared/ignoring.ts'
import type { ReportProblem } from '../shared/report-problem.ts'
import { timeLeft } from '../shared/time-left.ts'
import type { Task } from '../task/task.ts'
import { recordJobState } from './record-job-state.ts'
import { finishByReuse, type Reuse } from './reuse-run.ts'

interface Dependencies extends Repositories {
  readonly identity: Identity
  readonly objects: ObjectStore
  readonly scheduler: JobScheduler
  readonly report: ReportProblem
  readonly workflow: RunWorkflow
  readonly logs: Pick<LogStore, 'read'>
  readonly queues: JobQueues
  /** Base URL that the stager calls. */
  readonly stagerApiUrl: string
  /** Tags of every resource of the installation; terminating a job requires them. */
  readonly tags: Readonly<Record<string, string>>
}

/** Result of the call, for the log. After an error the task token has been failed. */
export interface SubmitOutcome {
  readonly outcome: 'submitted' | 'found' | 'over' | 'reused' | keyof typeof SUBMIT_ERRORS
  readonly error?: unknown
}

/**
 * Submits a run to Batch and keeps the workflow's task token, which the job's last event completes. The workflow
 * retries after any failure, and an earlier call may have crashed at any point. Therefore:
 * - Token and job name are stored before SubmitJob, so that every event finds its run.
 * - A job that exists is found by its name and kept.
 * - A submission that cannot be found is repeated under the next attempt's name, so that a late job is not mistaken for
 * it.
 * - Every outcome without a job completes the token, so that the workflow never waits for its time-out.
 */
export async function submitJob(
  deps: Dependencies,
  input: { readonly runId: string; readonly taskToken: string },
): Promise<SubmitOutcome> {
  try {
    return { outcome: await submit(deps, input) }
  } catch (error) {
    const outcome = outcomeOf(error)
    const message = error instanceof Error ? error.message : String(error)
    await deps.workflow.failToken(input.taskToken, SUBMIT_ERRORS[outcome], message)
    return { outcome, error }
  }
}

function outcomeOf(error: unknown): keyof typeof SUBMIT_ERRORS {
  if (error instanceof JobThrottledError) return 'throttled'
  return error instanceof JobRefusedError ? 'refused' : 'interrupted'
}

async function submit(
  deps: Dependencies,
  { runId, taskToken }: { readonly runId: string; readonly taskToken: string },
): Promise<SubmitOutcome['outcome']> {
  const run = await deps.runs.find(runId)
  const task = run === undefined ? undefined : await deps.tasks.findById(run.taskId)
  if (run?.reusedFrom !== undefined) return endReused(deps, taskToken)
  if (run === undefined || task === undefined || !isDue(run)) return failSubmission(deps, taskToken)
  const queue = task.queue === null ? undefined : deps.queues[task.queue]
  if (task.jobDefinitionArn === null || queue === undefined) return refuse(deps, run, task, taskToken)

  const earlier = run.job === undefined ? undefined : await findEarlier(deps, run.job)
  if (run.job !== undefined && earlier !== undefined) {
    return adopt(deps, runId, { present: run.job, found: earlier, taskToken })
  }

  const isReused = run.reuse === true && !isActive(run.state)
  const timeLeftMs = timeLeft(deps.identity, REUSE_MS)
  const { finished, notReused }: Reuse = isReused
    ? await finishByReuse(deps, { run, task }, { timeLeftMs })
    : {}
  if (finished !== undefined) return endReused(deps, taskToken)
  const attempt = (run.job?.attempt ?? 0) + 1
  const job: RunJob = { attempt, jobName: jobNameOf(runId, attempt), taskToken }
  await recordSubmission(deps, run, { job, ...(notReused && { notReused }) })
  const { jobId } = await deps.scheduler.submit({
    jobName: job.jobName,
    jobQueueArn: queue.arn,
    jobDefinitionArn: task.jobDefinitionArn,
    share: shareOf(runId),
    overrides: describeOverrides({
      [STAGER_VARIABLES.apiUrl]: deps.stagerApiUrl,
      [STAGER_VARIABLES.runId]: runId,
      [STAGER_VARIABLES.runSecret]: run.secret,
    }),
    tags: { ...deps.tags, 'app-engine:run': runId },
  })
  return recordSubmitted(deps, runId, job, jobId)
}

/** Time for copying outputs. The function has a minute, and requests to S3 that are in progress may take longer than this. */
const REUSE_MS = 30_000

/** Whether the run needs a job: it was started, or its set executes it now. */
function isDue({ id, state }: Run): boolean {
  return isActive(state) || (state === 'PROVISIONED' && placeInSet(id) !== undefined)
}

/** A run of a set is started by the write that stores its first job. */
async function recordSubmission(
  { runs }: Dependencies,
  run: Run,
  set: { readonly job: RunJob; readonly notReused?: NotReused },
): Promise<void> {
  if (isActive(run.state)) await runs.recordJob(run.id, set.job, { ifJob: run.job })
  else await runs.transition(run.id, { to: 'QUEUING', from: ['PROVISIONED'], set })
}

/** Completes the token of a run that is FINISHED with the outputs of an equal one, perhaps since an earlier call. */
async function endReused({ workflow }: Dependencies, taskToken: string): Promise<'reused'> {
  await workflow.succeedToken(taskToken, {})
  return 'reused'
}

async function failSubmission(deps: Dependencies, taskToken: string): Promise<'over'> {
  await deps.workflow.failToken(taskToken, SUBMIT_ERRORS.refused, 'the run was deleted or has ended')
  return 'over'
}

async function refuse(deps: Dependencies, run: Run, task: Task, taskToken: string): Promise<'refused'> {
  const failure: RunFailure = {
    kind: 'unschedulable',
    message: task.unschedulableReason ?? queueGone(task.queue),
  }
  // The run was cancelled or deleted meanwhile, if there is a conflict.
  await ignoring(deps.runs.transition(run.id, { to: 'FAILED', set: { failure } }), RunStateConflictError)
  await deps.workflow.failToken(taskToken, SUBMIT_ERRORS.refused, failure.message)
  return 'refused'
}

/** Finds the job of an earlier call. */
async function findEarlier({ scheduler }: Dependencies, job: RunJob): Promise<JobDetail | undefined> {
  if (job.jobId === undefined) return scheduler.findByName(job.jobName)
  const [found] = await scheduler.describe([job.jobId])
  if (found === undefined) throw new JobRefusedError(`AWS Batch no longer knows job ${job.jobId}`)
  return found
}

/**
 * Continues with an existing job. Its last event completes this call's token. That event may have arrived before and
 * completed an earlier token, so the job's state is recorded again.
 */
async function adopt(
  deps: Dependencies,
  runId: string,
  job: { readonly present: RunJob; readonly found: JobDetail; readonly taskToken: string },
): Promise<'found'> {
  const { present, found, taskToken } = job
  await deps.runs.recordJob(runId, { ...present, jobId: found.jobId, taskToken }, { ifJob: present })
  const [now] = await deps.scheduler.describe([found.jobId])
  await recordJobState(deps, now ?? found)
  return 'found'
}

/**
 * Sets the run to QUEUED unless an event was faster. The job of a run that was ended or deleted meanwhile is
 * terminated.
 */
async function recordSubmitted(
  deps: Dependencies,
  runId: string,
  job: RunJob,
  jobId: string,
): Promise<'submitted' | 'over'> {
  try {
    await deps.runs.transition(runId, { to: 'QUEUED', ifJob: job, set: { job: { ...job, jobId } } })
    return 'submitted'
  } catch (error) {
    if (!(error instanceof RunStateConflictError)) throw error
    const { run } = error
    if (run !== undefined && isActive(run.state) && run.job?.attempt === job.attempt) return 'submitted'
    await deps.scheduler.terminate(jobId, 'the run ended while its job was submitted')
    return job.taskToken === undefined ? 'over' : failSubmission(deps, job.taskToken)
  }
}
