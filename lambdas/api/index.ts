import { join } from 'node:path'
import {
  createBatchClient,
  createEcrClient,
  createEventsClient,
  createLogsClient,
  createS3Client,
  createSfnClient,
  createSigningClient,
} from '../../src/aws/clients.ts'
import { reportProblem } from '../../src/aws/observability.ts'
import { createS3ObjectStore } from '../../src/aws/s3-object-store.ts'
import { createS3PartStore } from '../../src/aws/s3-part-store.ts'
import { CONSOLE_FOLDER } from '../../src/contract/console.ts'
import { readEnvironment } from '../../src/contract/environment.ts'
import { createEcrImageRegistry } from '../../src/import/registry/ecr-image-registry.ts'
import { createEcrImageScans } from '../../src/import/registry/ecr-image-scans.ts'
import { createCloudwatchLogStore } from '../../src/run/cloudwatch-log-store.ts'
import { createBatchJobScheduler } from '../../src/run/job/batch-job-scheduler.ts'
import { setInputOf } from '../../src/run/set/run-set-workflow.ts'
import { createSfnRunWorkflow } from '../../src/run/sfn-run-workflow.ts'
import { knownHostsOf } from '../../src/shared/foreign-requests.ts'
import { pause } from '../../src/shared/pause.ts'
import { createEventImportRequests } from '../../src/upload/event-import-requests.ts'
import { createRepositoriesOfOneRun } from '../repositories.ts'
import { readConsoleFiles } from './console/console-files.ts'
import { createHandler } from './handler.ts'

/** Polling interval while a client waits for an import. */
const IMPORT_POLL_MILLISECONDS = 100

const environment = readEnvironment([
  'installation',
  'tableName',
  'bucketName',
  'stateMachineArn',
  'setMachineArn',
  'jobLogGroup',
  'jobQueues',
  'registryUrl',
  'knownHosts',
  'consoleMode',
  'webhookNetworks',
  'reusesOutputs',
])
const { bucketName, installation, jobLogGroup, registryUrl, setMachineArn, stateMachineArn } = environment
const s3 = createS3Client()
const sfn = createSfnClient()
const ecr = createEcrClient()

/** The bucket, with URLs for one audience. Both audiences share one client and its connections. */
function bucketOf(audience: 'clients' | 'jobs') {
  const signer = createSigningClient(audience)
  const options = { client: s3, bucketName, ...(signer && { signer }) }
  return { objects: createS3ObjectStore(options), parts: createS3PartStore(options) }
}

/** Every route of the contract, behind API Gateway's Lambda proxy. */
export const handler = createHandler(
  {
    ...createRepositoriesOfOneRun(environment),
    ...bucketOf('clients'),
    forJobs: bucketOf('jobs'),
    requests: createEventImportRequests({ client: createEventsClient(), installation }),
    registry: createEcrImageRegistry({ ecr, registryUrl }),
    scans: createEcrImageScans({ ecr }),
    scheduler: createBatchJobScheduler({ client: createBatchClient() }),
    workflow: createSfnRunWorkflow({ client: sfn, stateMachineArn }),
    setWorkflow: createSfnRunWorkflow({ client: sfn, stateMachineArn: setMachineArn, inputOf: setInputOf }),
    logs: createCloudwatchLogStore({ client: createLogsClient(), logGroupName: jobLogGroup }),
    console: {
      mode: environment.consoleMode,
      files: readConsoleFiles(join(import.meta.dirname, CONSOLE_FOLDER)),
    },
    report: reportProblem,
    reusesOutputs: environment.reusesOutputs,
    queues: environment.jobQueues,
    webhookNetworks: environment.webhookNetworks,
    pause: () => pause(IMPORT_POLL_MILLISECONDS),
  },
  knownHostsOf(environment.knownHosts),
)
