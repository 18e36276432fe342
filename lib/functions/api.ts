import { Duration } from 'aws-cdk-lib'
import type { FunctionDefinition } from '../constructs/function-definition.ts'
import { KEYS, PUT_OBJECTS, REPLACE_ITEMS } from '../constructs/grants.ts'
import { hostsOf } from '../emulator.ts'

/** Every route of the contract. */
export const api: FunctionDefinition = {
  name: 'api',
  // One whole processor comes with 1769 MiB; the largest JSON document was measured to take half of the memory.
  memoryMib: 1769,
  // API Gateway's own limit.
  timeout: Duration.seconds(29),
  variables: ({ values, stage }) => ({
    installation: values.installation,
    tableName: values.tableName,
    bucketName: values.bucketName,
    stateMachineArn: values.stateMachineArn,
    jobLogGroup: values.jobLogGroup,
    registryUrl: values.registryUrl,
    // API Gateway accepts its own host names only; an emulator accepts any.
    knownHosts: stage.emulator === undefined ? '*' : hostsOf(stage.emulator).join(','),
  }),
  permissions: ({ grants }) => [
    grants.items([
      ...REPLACE_ITEMS,
      'dynamodb:BatchGetItem',
      'dynamodb:ConditionCheckItem',
      'dynamodb:Query',
    ]),
    grants.queryRuns,
    grants.objects(['s3:DeleteObject', 's3:GetObject', ...PUT_OBJECTS], KEYS.uploads, KEYS.tasksAndRuns),
    grants.objects(['s3:ListMultipartUploadParts'], KEYS.uploads, KEYS.outputs),
    grants.list(KEYS.uploads, KEYS.tasksAndRuns),
    grants.requestImports,
    grants.workflow(['states:StartExecution']),
    grants.stopExecutions,
    grants.endJobs,
    ...grants.deleteTasks,
    grants.registryToken,
    grants.images(['ecr:BatchCheckLayerAvailability']),
  ],
  trigger: 'api',
}
