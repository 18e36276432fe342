import type { JobScheduler } from '../run/job/job-scheduler.ts'
import type { Run } from '../run/run.ts'
import type { RunWorkflow } from '../run/run-workflow.ts'
import type { ReportProblem } from '../shared/report-problem.ts'

/** What stopping a run works with. */
export interface StopRunDependencies {
  readonly report: ReportProblem
  readonly scheduler: Pick<JobScheduler, 'terminate'>
  readonly workflow: Pick<RunWorkflow, 'stop'>
}

/**
 * Stops the workflow and the job of a run that has its end or is being deleted; may be repeated. A service that refuses is
 * reported and fails nothing: the run's record says already that neither is wanted, so the sweeper stops what goes on. A job that
 * is being submitted at this moment has no id yet: its submission finds the run ended and ends the job, or else the sweeper does.
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
  await attempt('workflow not stopped', () => workflow.stop(id, reason))
  if (jobId !== undefined) await attempt('job not ended', () => scheduler.terminate(jobId, reason))
}
