import { createDocumentClient } from '../../../src/aws/clients.ts'
import { createDynamoIdempotencyRepository } from '../../../src/idempotency/dynamo-idempotency-repository.ts'
import { createDynamoRunRepository } from '../../../src/run/dynamo-run-repository.ts'
import { withSetCounts } from '../../../src/run/set/counted-runs.ts'
import { createDynamoRunSetRepository } from '../../../src/run/set/dynamo-run-set-repository.ts'
import { createDynamoStoreRepository } from '../../../src/store/dynamo-store-repository.ts'
import { createDynamoTaskRepository } from '../../../src/task/dynamo-task-repository.ts'
import { createDynamoLayerRepository } from '../../../src/upload/dynamo-layer-repository.ts'
import { createDynamoUploadRepository } from '../../../src/upload/dynamo-upload-repository.ts'
import { createDynamoWebhookRepository } from '../../../src/webhook/dynamo-webhook-repository.ts'
import { describeIdempotencyRepository } from '../../contract/idempotency-repository.contract.ts'
import { describeLayerRepository } from '../../contract/layer-repository.contract.ts'
import { describeRunRepository } from '../../contract/run-repository.contract.ts'
import { describeRunSetRepository } from '../../contract/run-set-repository.contract.ts'
import { describeStoreRepository } from '../../contract/store-repository.contract.ts'
import { describeTaskRepository } from '../../contract/task-repository.contract.ts'
import { describeUploadRepository } from '../../contract/upload-repository.contract.ts'
import { describeWebhookRepository } from '../../contract/webhook-repository.contract.ts'
import { createFixedIdentity } from '../../fixtures/fixed-identity.ts'
import { createTable, useEmulator } from './emulator.ts'

useEmulator()
const client = createDocumentClient()

async function emptyTable() {
  return { client, tableName: await createTable(client), identity: createFixedIdentity() }
}

describeTaskRepository('DynamoDB', async () => {
  const options = await emptyTable()
  const [tasks, elsewhere] = [createDynamoTaskRepository(options), createDynamoTaskRepository(options)]
  return { tasks, elsewhere, identity: options.identity }
})

describeRunRepository('DynamoDB', async () => {
  const options = await emptyTable()
  const tasks = createDynamoTaskRepository(options)
  return { runs: createDynamoRunRepository(options), tasks, identity: options.identity }
})

describeRunSetRepository('DynamoDB', async () => {
  const options = await emptyTable()
  const tasks = createDynamoTaskRepository(options)
  const runs = withSetCounts(createDynamoRunRepository(options), options)
  return { runs, sets: createDynamoRunSetRepository(options), tasks, identity: options.identity }
})

describeUploadRepository('DynamoDB', async () => {
  const options = await emptyTable()
  return { uploads: createDynamoUploadRepository(options), identity: options.identity }
})

describeLayerRepository('DynamoDB', async () => {
  const options = await emptyTable()
  return { layers: createDynamoLayerRepository(options), identity: options.identity }
})

describeIdempotencyRepository('DynamoDB', async () => {
  const options = await emptyTable()
  return { keys: createDynamoIdempotencyRepository(options), identity: options.identity }
})

describeStoreRepository('DynamoDB', async () => createDynamoStoreRepository(await emptyTable()))

describeWebhookRepository('DynamoDB', async () => {
  const options = await emptyTable()
  return { webhooks: createDynamoWebhookRepository(options), identity: options.identity }
})
