import { describeOverrides, jobNameOf } from '../domain/job/job-definition.ts'
import type { RunFailure } from '../domain/run/run.ts'
import { isActive } from '../domain/run/transitions.ts'
import { STAGER_VARIABLES } from '../domain/staging.ts'
import {
  type JobScheduler,
  JobThrottledError,
  type RunRepository,
  RunStateConflictError,
  type RunWorkflow,
  type TaskRepository,
} from '../ports.ts'

interface Dependencies {
  readonly runs: RunRepository
  readonly tasks: TaskRepository
  readonly scheduler: JobScheduler
  readonly workflow: RunWorkflow
  /** Base URL that the stager calls. */
  readonly stagerApiUrl: string
}

/** Error names that the workflow matches on. */
export const SUBMIT_ERRORS = { throttled: 'JobThrottled', refused: 'JobRefused' } as const

/**
 * Hands a run to Batch and keeps the workflow's token, which the job's last event answers. Token and job name are stored
 * before SubmitJob, so that no event can come for a job that nobody knows. Every way out but a submitted job answers the
 * token, so that the workflow never waits for its time limit.
 */
export async function submitJob(
  deps: Dependencies,
  input: { readonly runId: string; readonly taskToken: string },
): Promise<void> {
  try {
    await submit(deps, input)
  } catch (error) {
    if (error instanceof JobThrottledError) {
      await deps.workflow.failToken(input.taskToken, SUBMIT_ERRORS.throttled, error.message)
      return
    }
    await deps.workflow.failToken(
      input.taskToken,
      SUBMIT_ERRORS.refused,
      error instanceof Error ? error.message : String(error),
    )
    throw error
  }
}

async function submit(
  deps: Dependencies,
  { runId, taskToken }: { readonly runId: string; readonly taskToken: string },
): Promise<void> {
  const run = await deps.runs.find(runId)
  const task = run === undefined ? undefined : await deps.tasks.findById(run.taskId)
  if (run === undefined || task === undefined || !isActive(run.state)) {
    await deps.workflow.failToken(taskToken, SUBMIT_ERRORS.refused, 'the run was deleted or has ended')
    return
  }
  if (task.jobDefinitionArn === null) {
    const failure: RunFailure = {
      kind: 'unschedulable',
      message: task.unschedulableReason ?? 'no machine of this installation can hold the task',
    }
    await deps.runs.transition(runId, { to: 'FAILED', set: { failure } })
    await deps.workflow.failToken(taskToken, SUBMIT_ERRORS.refused, failure.message)
    return
  }
  const attempt = (run.job?.attempt ?? 0) + 1
  const jobName = jobNameOf(runId, attempt)
  await deps.runs.recordJob(runId, { attempt, jobName, taskToken }, { attempt: run.job?.attempt })
  const { jobId } = await deps.scheduler.submit({
    jobName,
    jobDefinitionArn: task.jobDefinitionArn,
    overrides: describeOverrides({
      [STAGER_VARIABLES.apiUrl]: deps.stagerApiUrl,
      [STAGER_VARIABLES.runId]: runId,
      [STAGER_VARIABLES.runSecret]: run.secret,
    }),
    tags: { 'app-engine:run': runId },
  })
  await recordSubmitted(deps, runId, attempt, jobId)
}

/** QUEUED, unless an event of the job was faster. */
async function recordSubmitted(
  deps: Dependencies,
  runId: string,
  attempt: number,
  jobId: string,
): Promise<void> {
  const run = await deps.runs.find(runId)
  if (run?.job?.attempt !== attempt) return
  try {
    await deps.runs.transition(runId, { to: 'QUEUED', attempt, set: { job: { ...run.job, jobId } } })
  } catch (error) {
    if (!(error instanceof RunStateConflictError)) throw error
  }
}
