import { createDocumentClient } from '../src/aws/clients.ts'
import { createEmfMetrics } from '../src/aws/emf-metrics.ts'
import { logAbout } from '../src/aws/observability.ts'
import { createDynamoIdempotencyRepository } from '../src/idempotency/dynamo-idempotency-repository.ts'
import { createDynamoRunRepository } from '../src/run/dynamo-run-repository.ts'
import { withMetrics, withObserver } from '../src/run/observed-runs.ts'
import { withSetCounts } from '../src/run/set/counted-runs.ts'
import { createDynamoRunSetRepository } from '../src/run/set/dynamo-run-set-repository.ts'
import { systemIdentity } from '../src/shared/identity.ts'
import { createDynamoStoreRepository } from '../src/store/dynamo-store-repository.ts'
import { createDynamoTaskRepository } from '../src/task/dynamo-task-repository.ts'
import { createDynamoLayerRepository } from '../src/upload/dynamo-layer-repository.ts'
import { createDynamoUploadRepository } from '../src/upload/dynamo-upload-repository.ts'
import { createDynamoWebhookRepository } from '../src/webhook/dynamo-webhook-repository.ts'

/** Settings of every function that uses the table. */
interface TableEnvironment {
  readonly tableName: string
  readonly installation: string
}

/** Repositories on the table, and the metrics in which they count ended runs. Call once per process. */
export function createRepositories(environment: TableEnvironment) {
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
    runs: withMetrics(withSetCounts(createDynamoRunRepository(table), table), metrics),
    sets: createDynamoRunSetRepository(table),
    uploads: createDynamoUploadRepository(table),
    layers: createDynamoLayerRepository(table),
    idempotencyKeys: createDynamoIdempotencyRepository(table),
    stores: createDynamoStoreRepository(table),
    webhooks: createDynamoWebhookRepository(table),
  }
}

/** For functions that handle one run per call: log entries name the run and its task as soon as it is loaded. */
export function createRepositoriesOfOneRun(environment: TableEnvironment) {
  const repositories = createRepositories(environment)
  return {
    ...repositories,
    runs: withObserver(repositories.runs, ({ id, taskId }) => logAbout({ runId: id, taskId })),
  }
}
