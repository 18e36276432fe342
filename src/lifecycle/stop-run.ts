import { placeInSet } from '../contract/set-run-id.ts'
import { SUBMIT_ERRORS } from '../contract/workflow-errors.ts'
import type { JobScheduler } from '../run/job/job-scheduler.ts'
import type { Run } from '../run/run.ts'
import type { RunWorkflow } from '../run/run-workflow.ts'
import type { ReportProblem } from '../shared/report-problem.ts'

/** Ports for stopping a run. */
export interface StopRunDependencies {
  readonly report: ReportProblem
  readonly scheduler: Pick<JobScheduler, 'terminate'>
  readonly workflow: Pick<RunWorkflow, 'failToken' | 'stop'>
}

/**
 * Stops the workflow and the job of a run that has ended or is being deleted. Idempotent. A failure is only reported:
 * the sweeper finds the run by its record and stops what is left. A job that is being submitted has no id yet: its submission, or the
 * sweeper, finds the run ended and terminates the job.
 */
export async function stopRun(
  { report, scheduler, workflow }: StopRunDependencies,
  { id, job }: Pick<Run, 'id' | 'job'>,
  reason: string,
): Promise<void> {
  const jobId = job?.jobId
  const attempt = async (problem: string, stop: () => Promise<void>): Promise<void> => {
    try {
      await stop()
    } catch (error) {
      report(problem, { runId: id }, error)
    }
  }
  await attempt('workflow not stopped', () => stopWorkflow(workflow, id, job, reason))
  if (jobId !== undefined) await attempt('job not terminated', () => scheduler.terminate(jobId, reason))
}

/** Stops the workflow. A run of a set has no execution of its own: failing its token ends its step. */
async function stopWorkflow(
  workflow: StopRunDependencies['workflow'],
  id: string,
  job: Run['job'],
  reason: string,
): Promise<void> {
  if (placeInSet(id) === undefined) return workflow.stop(id, reason)
  if (job?.taskToken !== undefined) await workflow.failToken(job.taskToken, SUBMIT_ERRORS.refused, reason)
}
