import type { Context } from 'aws-lambda'
import {
  createBatchClient,
  createEcrClient,
  createEventsClient,
  createLogsClient,
  createS3Client,
  createSfnClient,
} from '../../src/aws/clients.ts'
import { beginLog, logger, reportProblem } from '../../src/aws/observability.ts'
import { createS3ObjectStore } from '../../src/aws/s3-object-store.ts'
import { readEnvironment } from '../../src/contract/environment.ts'
import { queueArnsOf } from '../../src/contract/job-queues.ts'
import type { KindOf } from '../../src/contract/metrics.ts'
import { createEcrImageRegistry } from '../../src/import/registry/ecr-image-registry.ts'
import { sweepImports } from '../../src/import/sweep-imports.ts'
import { sweepDeletions } from '../../src/lifecycle/sweep-deletions.ts'
import { isTimeUp, sweepRuns } from '../../src/lifecycle/sweep-runs.ts'
import { createCloudwatchLogStore } from '../../src/run/cloudwatch-log-store.ts'
import { createBatchJobScheduler } from '../../src/run/job/batch-job-scheduler.ts'
import type { ActiveRunsPlace } from '../../src/run/run-repository.ts'
import { setInputOf } from '../../src/run/set/run-set-workflow.ts'
import { createSfnRunWorkflow } from '../../src/run/sfn-run-workflow.ts'
import { sweepRunSets } from '../../src/run-set/sweep-run-sets.ts'
import { createEventImportRequests } from '../../src/upload/event-import-requests.ts'
import { createRepositories } from '../repositories.ts'

const environment = readEnvironment([
  'installation',
  'tableName',
  'bucketName',
  'registryUrl',
  'stateMachineArn',
  'setMachineArn',
  'jobQueues',
  'jobLogGroup',
  'sweepGraceSeconds',
  'sweepStepLimitSeconds',
  'sweepLateWriteSeconds',
])
const { bucketName, installation, jobLogGroup, jobQueues, registryUrl, setMachineArn, stateMachineArn } =
  environment
const { identity, metrics, runs, sets, tasks, uploads } = createRepositories(environment)
const sfn = createSfnClient()
const deps = {
  identity,
  metrics,
  runs,
  sets,
  tasks,
  uploads,
  requests: createEventImportRequests({ client: createEventsClient(), installation }),
  objects: createS3ObjectStore({ client: createS3Client(), bucketName }),
  registry: createEcrImageRegistry({ ecr: createEcrClient(), registryUrl }),
  scheduler: createBatchJobScheduler({ client: createBatchClient(), jobQueueArns: queueArnsOf(jobQueues) }),
  workflow: createSfnRunWorkflow({ client: sfn, stateMachineArn }),
  setWorkflow: createSfnRunWorkflow({ client: sfn, stateMachineArn: setMachineArn, inputOf: setInputOf }),
  logs: createCloudwatchLogStore({ client: createLogsClient(), logGroupName: jobLogGroup }),
  report: reportProblem,
  settings: {
    graceSeconds: environment.sweepGraceSeconds,
    stepLimitSeconds: environment.sweepStepLimitSeconds,
    lateWriteSeconds: environment.sweepLateWriteSeconds,
  },
}

/** Position at which the previous sweep ran out of time. A new process starts with the runs that were changed longest ago. */
let after: ActiveRunsPlace | undefined

/** Runs on a schedule: repairs runs and imports whose events, calls or processes were lost, and completes deletions. */
export async function handler(_event: unknown, context: Context): Promise<void> {
  beginLog({ requestId: context.awsRequestId })
  const timeLeftMs = (): number => context.getRemainingTimeInMillis()
  const isOutOfTime = (): boolean => isTimeUp({ timeLeftMs })
  // The runbook searches the log for this message.
  const reportRepair = (repair: KindOf<'Repairs'>, about: object): void => {
    logger.warn('run repaired', { repair, ...about })
    deps.metrics.count('Repairs', repair)
  }
  await sweepImports(deps, {
    isTimeUp: isOutOfTime,
    onRequested: (uploadId) => reportRepair('import-requested', { uploadId }),
    onProblem: (uploadId, error) => logger.error('import not swept', { uploadId, error: error as Error }),
    // A failure here must not stop the sweep of runs and deletions.
  }).catch((error: Error) => logger.error('imports not swept', { error }))
  const { runs, oldestSeconds, next } = await sweepRuns(deps, {
    after,
    timeLeftMs,
    onRepair: ({ repair, ...about }) => reportRepair(repair, about),
    onProblem: (runId, error) => logger.error('run not swept', { runId, error: error as Error }),
  })
  // Only a complete sweep knows the number of runs. The oldest run comes first.
  if (after === undefined) deps.metrics.observe('OldestActiveRunSeconds', oldestSeconds)
  if (after === undefined && next === undefined) deps.metrics.observe('ActiveRuns', runs)
  after = next
  logger.info('runs swept', { runs, isComplete: next === undefined })
  await sweepRunSets(deps, {
    isTimeUp: isOutOfTime,
    onStarted: (setId) => reportRepair('workflow-started', { setId }),
    onProblem: (setId, error) => logger.error('run set not swept', { setId, error: error as Error }),
  })
  await sweepDeletions(deps, {
    isTimeUp: isOutOfTime,
    onTaskDeleted: (task) => reportRepair('task-deleted', { task }),
    onProblem: (what, error) => logger.error('deletion not completed', { ...what, error: error as Error }),
  })
}
