import type { Context } from 'aws-lambda'
import type { ActiveRunsPlace } from '../../src/ports.ts'
import { createSweepDependencies } from '../../src/runtime/dependencies.ts'
import { readEnvironment } from '../../src/runtime/environment.ts'
import { beginLog, logger } from '../../src/runtime/observability.ts'
import { sweepDeletions } from '../../src/use-cases/sweep-deletions.ts'
import { isTimeUp, sweepRuns } from '../../src/use-cases/sweep-runs.ts'

const deps = createSweepDependencies(readEnvironment('sweep-runs'))

/** Where the sweep before this one ran out of time. A new process begins anew, with the runs that nobody has touched for longest. */
let after: ActiveRunsPlace | undefined

/** Called from time to time: looks after runs whose events, calls or processes were lost, and after deletions. */
export async function handler(_event: unknown, context: Context): Promise<void> {
  beginLog({ requestId: context.awsRequestId })
  const timeLeftMs = (): number => context.getRemainingTimeInMillis()
  const { runs, oldestSeconds, next } = await sweepRuns(deps, {
    after,
    timeLeftMs,
    onRepair: (repair) => {
      logger.warn('run repaired', { ...repair })
      deps.metrics.count('Repairs', repair.repair)
    },
    onProblem: (runId, error) => logger.error('run not looked after', { runId, error: error as Error }),
  })
  // Of a part of the runs, the number would mislead; the oldest come first.
  if (after === undefined) deps.metrics.observe('OldestActiveRunSeconds', oldestSeconds)
  if (after === undefined && next === undefined) deps.metrics.observe('ActiveRuns', runs)
  after = next
  logger.info('runs swept', { runs, isComplete: next === undefined })
  await sweepDeletions(deps, {
    isTimeUp: () => isTimeUp({ timeLeftMs }),
    onTaskDeleted: (task) => {
      // As the runbook looks for repairs.
      logger.warn('run repaired', { repair: 'task-deleted', task })
      deps.metrics.count('Repairs', 'task-deleted')
    },
    onProblem: (what, error) => logger.error('deletion not completed', { ...what, error: error as Error }),
  })
}
