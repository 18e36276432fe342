import {
  createBatchClient,
  createDocumentClient,
  createEcrClient,
  createEventsClient,
  createLogsClient,
  createS3Client,
  createSfnClient,
  LONGEST_SILENCE_WHILE_PUSHING_MILLISECONDS,
} from '../aws/clients.ts'
import { createEmfMetrics } from '../aws/emf-metrics.ts'
import { logAbout, logger, reportProblem } from '../aws/observability.ts'
import { createS3ObjectStore } from '../aws/s3-object-store.ts'
import { createS3PartStore } from '../aws/s3-part-store.ts'
import type { FunctionEnvironment } from '../contract/environment.ts'
import { queueArnsOf } from '../contract/job-queues.ts'
import { createFetchBundleSource } from '../import/fetch-bundle-source.ts'
import { createEcrImageRegistry } from '../import/registry/ecr-image-registry.ts'
import { createCloudwatchLogStore } from '../run/cloudwatch-log-store.ts'
import { createDynamoRunRepository } from '../run/dynamo-run-repository.ts'
import { createBatchJobScheduler } from '../run/job/batch-job-scheduler.ts'
import { countEnds, hearOfRuns } from '../run/observed-runs.ts'
import { createSfnRunWorkflow } from '../run/sfn-run-workflow.ts'
import { systemIdentity } from '../shared/identity.ts'
import { pause } from '../shared/pause.ts'
import { repeat } from '../shared/repeat.ts'
import { createDynamoStoreRepository } from '../store/dynamo-store-repository.ts'
import { createDynamoTaskRepository } from '../task/dynamo-task-repository.ts'
import { createDynamoUploadRepository } from '../upload/dynamo-upload-repository.ts'
import { createEventImportRequests } from '../upload/event-import-requests.ts'

/*
 * What each function works with, made once per process. Endpoints come from the SDK's own variables, so nothing here knows
 * about local mode. Return types are left to inference: the use cases say what they need.
 */

/** Between two looks at an import that a client waits for. */
const IMPORT_POLL_MS = 100

function createRepositories(environment: { readonly tableName: string; readonly installation: string }) {
  const table = {
    client: createDocumentClient(),
    tableName: environment.tableName,
    identity: systemIdentity,
  }
  const metrics = createEmfMetrics(environment)
  return {
    identity: systemIdentity,
    metrics,
    tasks: createDynamoTaskRepository(table),
    runs: countEnds(createDynamoRunRepository(table), metrics),
    uploads: createDynamoUploadRepository(table),
    stores: createDynamoStoreRepository(table),
  }
}

/** For functions that a call concerns one run: its log entries name the run and its task as soon as they are known. */
function createRepositoriesOfOneRun(environment: {
  readonly tableName: string
  readonly installation: string
}) {
  const repositories = createRepositories(environment)
  return {
    ...repositories,
    runs: hearOfRuns(repositories.runs, ({ id, taskId }) => logAbout({ runId: id, taskId })),
  }
}

/** The bucket as the API sees it; both take from one pool of connections. */
function createBucket({ bucketName }: { readonly bucketName: string }) {
  const options = { client: createS3Client(), bucketName }
  return { objects: createS3ObjectStore(options), parts: createS3PartStore(options) }
}

function createObjects(
  { bucketName }: { readonly bucketName: string },
  client: Parameters<typeof createS3Client>[0] = {},
) {
  return createS3ObjectStore({ client: createS3Client(client), bucketName })
}

function createLogs({ jobLogGroup }: { readonly jobLogGroup: string }) {
  return createCloudwatchLogStore({ client: createLogsClient(), logGroupName: jobLogGroup })
}

function createWorkflow({ stateMachineArn }: { readonly stateMachineArn: string }) {
  return createSfnRunWorkflow({ client: createSfnClient(), stateMachineArn })
}

function createRequests({ installation }: { readonly installation: string }) {
  return createEventImportRequests({ client: createEventsClient(), installation })
}

function createRegistry({
  registryUrl,
  resourceTags,
}: {
  readonly registryUrl: string
  readonly resourceTags?: Readonly<Record<string, string>>
}) {
  return createEcrImageRegistry({
    ecr: createEcrClient(),
    registryUrl,
    ...(resourceTags !== undefined && { tags: resourceTags }),
  })
}

export function createApiDependencies(environment: FunctionEnvironment<'api'>) {
  return {
    ...createRepositoriesOfOneRun(environment),
    requests: createRequests(environment),
    ...createBucket(environment),
    registry: createRegistry(environment),
    scheduler: createBatchJobScheduler({ client: createBatchClient() }),
    workflow: createWorkflow(environment),
    logs: createLogs(environment),
    report: reportProblem,
    pause: () => pause(IMPORT_POLL_MS),
  }
}

export function createImportDependencies(environment: FunctionEnvironment<'import-bundle'>) {
  return {
    ...createRepositories(environment),
    objects: createObjects(environment, {
      longestSilenceMilliseconds: LONGEST_SILENCE_WHILE_PUSHING_MILLISECONDS,
    }),
    bundles: createFetchBundleSource({
      report: (words, error) =>
        logger.warn('an app store gave no bundle', { reason: words, error: error as Error }),
    }),
    registry: createRegistry(environment),
    scheduler: createBatchJobScheduler({ client: createBatchClient() }),
    requests: createRequests(environment),
    repeat,
    pause,
    settings: {
      repositoryPrefix: environment.repositoryPrefix,
      defaultRamBytes: environment.defaultRamBytes,
      queues: environment.jobQueues,
      job: {
        definitionPrefix: environment.jobDefinitionPrefix,
        stagerImage: environment.stagerImage,
        executionRoleArn: environment.jobExecutionRoleArn,
        logGroupName: environment.jobLogGroup,
        region: environment.jobLogRegion,
        attemptTimeoutSeconds: environment.attemptTimeoutSeconds,
        tags: environment.resourceTags,
      },
    },
  }
}

export function createSubmitDependencies(environment: FunctionEnvironment<'submit-job'>) {
  const { runs, tasks } = createRepositoriesOfOneRun(environment)
  return {
    runs,
    tasks,
    scheduler: createBatchJobScheduler({
      // SubmitJob has no idempotency token: a retry by the SDK could start a second job. The workflow retries instead.
      client: createBatchClient({ attempts: 1 }),
      jobQueueArns: queueArnsOf(environment.jobQueues),
    }),
    workflow: createWorkflow(environment),
    logs: createLogs(environment),
    queues: environment.jobQueues,
    stagerApiUrl: environment.stagerApiUrl,
    tags: environment.resourceTags,
  }
}

export function createRecordDependencies(environment: FunctionEnvironment<'record-job-state'>) {
  const { runs } = createRepositoriesOfOneRun(environment)
  return {
    runs,
    objects: createObjects(environment),
    workflow: createWorkflow(environment),
    logs: createLogs(environment),
  }
}

export function createCollectDependencies(environment: FunctionEnvironment<'collect-outputs'>) {
  const { runs, tasks } = createRepositoriesOfOneRun(environment)
  return { runs, tasks, objects: createObjects(environment) }
}

export function createFailDependencies(environment: FunctionEnvironment<'fail-run'>) {
  const { runs } = createRepositoriesOfOneRun(environment)
  return { runs, scheduler: createBatchJobScheduler({ client: createBatchClient() }) }
}

export function createSweepDependencies(environment: FunctionEnvironment<'sweep-runs'>) {
  const { identity, metrics, runs, tasks, uploads } = createRepositories(environment)
  return {
    identity,
    metrics,
    runs,
    tasks,
    uploads,
    requests: createRequests(environment),
    objects: createObjects(environment),
    registry: createRegistry(environment),
    scheduler: createBatchJobScheduler({
      client: createBatchClient(),
      jobQueueArns: queueArnsOf(environment.jobQueues),
    }),
    workflow: createWorkflow(environment),
    logs: createLogs(environment),
    report: reportProblem,
    settings: {
      graceSeconds: environment.sweepGraceSeconds,
      stepLimitSeconds: environment.sweepStepLimitSeconds,
      lateWriteSeconds: environment.sweepLateWriteSeconds,
    },
  }
}
