import type { ContainerEnd } from '../../local/batch/job.ts'
import { explainByLog } from '../../src/lifecycle/explain-by-log.ts'
import { CONTAINERS } from '../../src/run/job/job-definition.ts'
import { explainJobFailure } from '../../src/run/job/job-failure.ts'
import type { JobDetail } from '../../src/run/job/job-outcome.ts'
import type { RunFailure } from '../../src/run/run.ts'

/** Result of the task's container, and its limits. */
export interface TaskEnd {
  readonly end: Omit<ContainerEnd, 'name'>
  readonly memoryMib: number
  /** End of the container's log. */
  readonly logTail: string
}

/** Why a run failed, derived from the end of its container by the service's code; undefined for exit code 0. */
export async function explainEnd({ end, memoryMib, logTail }: TaskEnd): Promise<RunFailure | undefined> {
  if (end.exitCode === 0 && end.reason === undefined) return undefined
  const stream = `local/${CONTAINERS.task}/1`
  const job: JobDetail = {
    jobName: 'local',
    jobId: 'local',
    status: 'FAILED',
    attempts: [],
    ecsProperties: {
      taskProperties: [
        {
          containers: [
            {
              name: CONTAINERS.task,
              logStreamName: stream,
              ...(end.exitCode !== undefined && { exitCode: end.exitCode }),
              ...(end.reason !== undefined && { reason: end.reason }),
              resourceRequirements: [{ type: 'MEMORY', value: String(memoryMib) }],
            },
          ],
        },
      ],
    },
  }
  return explainByLog({ read: async () => logTail }, job, explainJobFailure(job))
}
