import type { Run } from '../domain/run/run.ts'
import type { JobScheduler, RunWorkflow } from '../ports.ts'

/**
 * Stops what is live of a run that has its end or is being deleted; may be repeated. A job that is being submitted at this
 * moment has no id yet: its submission finds the run ended and ends the job, or else the sweeper does.
 */
export async function stopRun(
  deps: { readonly workflow: RunWorkflow; readonly scheduler: JobScheduler },
  { id, job }: Pick<Run, 'id' | 'job'>,
  reason: string,
): Promise<void> {
  await deps.workflow.stop(id, reason)
  if (job?.jobId !== undefined) await deps.scheduler.terminate(job.jobId, reason)
}
