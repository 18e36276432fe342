import { fileURLToPath } from 'node:url'
import { Duration } from 'aws-cdk-lib'
import { CONSOLE_FOLDER } from '../../src/contract/console.ts'
import { webhookNetworksOf } from '../constructs/delivery-queue.ts'
import type { FunctionAssets, FunctionDefinition } from '../constructs/function-definition.ts'
import { KEYS, PUT_OBJECTS, REPLACE_ITEMS } from '../constructs/grants.ts'
import { hostsOf } from '../emulator.ts'

const BUILD = fileURLToPath(new URL('../../console/build.ts', import.meta.url))

/** Pages of the console; built once for each state of their sources. */
const CONSOLE_ASSETS: FunctionAssets = {
  folder: CONSOLE_FOLDER,
  command: (folder) => [process.execPath, BUILD, folder].map((word) => JSON.stringify(word)).join(' '),
}

/** Every route of the contract. */
export const api: FunctionDefinition = {
  name: 'api',
  // 1769 MiB correspond to one whole processor. The largest JSON document needs half of the memory (measured).
  memoryMib: 1769,
  // API Gateway's limit.
  timeout: Duration.seconds(29),
  variables: ({ values, stage }) => ({
    installation: values.installation,
    tableName: values.tableName,
    bucketName: values.bucketName,
    stateMachineArn: values.stateMachineArn,
    setMachineArn: values.setMachineArn,
    jobLogGroup: values.jobLogGroup,
    jobQueues: values.jobQueues,
    registryUrl: values.registryUrl,
    consoleMode: stage.console,
    webhookNetworks: webhookNetworksOf(stage),
    reusesOutputs: String(stage.reuseOutputs),
    // API Gateway accepts its own host names only; an emulator accepts any.
    knownHosts: stage.emulator === undefined ? '*' : hostsOf(stage.emulator).join(','),
  }),
  permissions: ({ grants }) => [
    grants.items([
      ...REPLACE_ITEMS,
      'dynamodb:BatchGetItem',
      'dynamodb:BatchWriteItem',
      'dynamodb:ConditionCheckItem',
      'dynamodb:Query',
    ]),
    grants.queryRuns,
    grants.objects(['s3:DeleteObject', 's3:GetObject', ...PUT_OBJECTS], KEYS.uploads, KEYS.tasksAndRuns),
    grants.objects(['s3:ListMultipartUploadParts'], KEYS.uploads, KEYS.outputs),
    grants.list(KEYS.uploads, KEYS.tasksAndRuns),
    grants.requestImports,
    grants.workflow(['states:StartExecution']),
    grants.setWorkflow(['states:StartExecution']),
    grants.failTokens,
    grants.stopExecutions,
    grants.endJobs,
    ...grants.deleteTasks,
    grants.registryToken,
    grants.images(['ecr:BatchCheckLayerAvailability', 'ecr:DescribeImageScanFindings']),
  ],
  trigger: 'api',
  assets: ({ console }) => (console === 'off' ? [] : [CONSOLE_ASSETS]),
}
