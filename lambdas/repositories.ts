import { createDocumentClient } from '../src/aws/clients.ts'
import { createEmfMetrics } from '../src/aws/emf-metrics.ts'
import { logAbout } from '../src/aws/observability.ts'
import { createDynamoRunRepository } from '../src/run/dynamo-run-repository.ts'
import { withMetrics, withObserver } from '../src/run/observed-runs.ts'
import { systemIdentity } from '../src/shared/identity.ts'
import { createDynamoStoreRepository } from '../src/store/dynamo-store-repository.ts'
import { createDynamoTaskRepository } from '../src/task/dynamo-task-repository.ts'
import { createDynamoUploadRepository } from '../src/upload/dynamo-upload-repository.ts'

/** Variables of every function that works on the table. */
interface TableEnvironment {
  readonly tableName: string
  readonly installation: string
}

/** Repositories on the one table, and the metrics that they count ends of runs by. To be made once a process. */
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
    runs: withMetrics(createDynamoRunRepository(table), metrics),
    uploads: createDynamoUploadRepository(table),
    stores: createDynamoStoreRepository(table),
  }
}

/** For functions whose call concerns one run: log entries name the run and its task as soon as they are known. */
export function createRepositoriesOfOneRun(environment: TableEnvironment) {
  const repositories = createRepositories(environment)
  return {
    ...repositories,
    runs: withObserver(repositories.runs, ({ id, taskId }) => logAbout({ runId: id, taskId })),
  }
}
