import type { JobQueues } from '../contract/job-queues.ts'
import { STAGER_VARIABLES } from '../contract/staging.ts'
import { SUBMIT_ERRORS } from '../contract/workflow-errors.ts'
import type { Repositories } from '../run/find-run.ts'
import { describeOverrides, jobNameOf } from '../run/job/job-definition.ts'
import type { JobDetail } from '../run/job/job-outcome.ts'
import { JobRefusedError, type JobScheduler, JobThrottledError } from '../run/job/job-scheduler.ts'
import type { LogStore } from '../run/log-store.ts'
import type { Run, RunFailure, RunJob } from '../run/run.ts'
import { RunStateConflictError } from '../run/run-repository.ts'
import type { RunWorkflow } from '../run/run-workflow.ts'
import { isActive } from '../run/transitions.ts'
import type { Task } from '../task/task.ts'
import { recordJobState } from './record-job-state.ts'

interface Dependencies extends Repositories {
  readonly scheduler: JobScheduler
  readonly workflow: RunWorkflow
  readonly logs: Pick<LogStore, 'read'>
  readonly queues: JobQueues
  /** Base URL that the stager calls. */
  readonly stagerApiUrl: string
  /** Those that everything of the installation has; nobody may end a job without them. */
  readonly tags: Readonly<Record<string, string>>
}

/** What became of the call, for the log; after an error the workflow has been told. */
export interface SubmitOutcome {
  readonly outcome: 'submitted' | 'found' | 'over' | keyof typeof SUBMIT_ERRORS
  readonly error?: unknown
}

/**
 * Hands a run to Batch and keeps the workflow's token, which the job's last event answers. The workflow calls again after
 * whatever went wrong, and the call before may have died anywhere, so:
 * token and job name are stored before SubmitJob, and an event never comes for a job that nobody knows;
 * a job that is there already is found by its name and kept, not submitted again;
 * a submission that cannot be found gets the next attempt's name, so that it would not be mixed up if it came after all;
 * and every way out but a job answers the token, so that the workflow never waits for its time limit.
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
  if (run === undefined || task === undefined || !isActive(run.state)) return failSubmission(deps, taskToken)
  const queue = task.queue === null ? undefined : deps.queues[task.queue]
  if (task.jobDefinitionArn === null || queue === undefined) return refuse(deps, run, task, taskToken)

  const earlier = run.job === undefined ? undefined : await findEarlier(deps, run.job)
  if (run.job !== undefined && earlier !== undefined) {
    return adopt(deps, runId, { present: run.job, found: earlier, taskToken })
  }

  const attempt = (run.job?.attempt ?? 0) + 1
  const job: RunJob = { attempt, jobName: jobNameOf(runId, attempt), taskToken }
  await deps.runs.recordJob(runId, job, { ifJob: run.job })
  const { jobId } = await deps.scheduler.submit({
    jobName: job.jobName,
    jobQueueArn: queue.arn,
    jobDefinitionArn: task.jobDefinitionArn,
    overrides: describeOverrides({
      [STAGER_VARIABLES.apiUrl]: deps.stagerApiUrl,
      [STAGER_VARIABLES.runId]: runId,
      [STAGER_VARIABLES.runSecret]: run.secret,
    }),
    tags: { ...deps.tags, 'app-engine:run': runId },
  })
  return recordSubmitted(deps, runId, job, jobId)
}

/** There is no run (any more) that wants a job. */
async function failSubmission(deps: Dependencies, taskToken: string): Promise<'over'> {
  await deps.workflow.failToken(taskToken, SUBMIT_ERRORS.refused, 'the run was deleted or has ended')
  return 'over'
}

async function refuse(deps: Dependencies, run: Run, task: Task, taskToken: string): Promise<'refused'> {
  const failure: RunFailure = {
    kind: 'unschedulable',
    message: task.unschedulableReason ?? queueGone(task),
  }
  try {
    await deps.runs.transition(run.id, { to: 'FAILED', set: { failure } })
  } catch (error) {
    // Cancelled or deleted meanwhile.
    if (!(error instanceof RunStateConflictError)) throw error
  }
  await deps.workflow.failToken(taskToken, SUBMIT_ERRORS.refused, failure.message)
  return 'refused'
}

/** The stage's settings were changed after the import. */
function queueGone({ queue }: Task): string {
  return `this installation has no ${queue} queue any more, for which the task was imported: import it again under another version`
}

/** The job of a call before this one. */
async function findEarlier({ scheduler }: Dependencies, job: RunJob): Promise<JobDetail | undefined> {
  if (job.jobId === undefined) return scheduler.findByName(job.jobName)
  const [found] = await scheduler.describe([job.jobId])
  if (found === undefined) throw new JobRefusedError(`AWS Batch does not know job ${job.jobId} any more`)
  return found
}

/** Its last event answers this call's token; one that came before has answered another, so the job is looked at. */
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

/** QUEUED, unless an event of the job was faster; but the job of a run that was ended or deleted meanwhile must not run. */
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
