import { Aws, Duration } from 'aws-cdk-lib'
import type { FunctionDefinition } from '../constructs/function-definition.ts'
import { KEYS, PUT_OBJECTS, REPLACE_ITEMS } from '../constructs/grants.ts'
import type { Permission } from '../constructs/permissions.ts'

/** Without the permission to list, S3 answers 403 for an object that does not exist. */
function readBucket(name: string): Permission {
  const bucket = `arn:${Aws.PARTITION}:s3:::${name}`
  return {
    actions: ['s3:GetObject', 's3:ListBucket'],
    resources: [bucket, `${bucket}/*`],
    because: 'Any object of a bucket that the settings name may be an input',
  }
}

/** Validates run sets, creates their runs, cancels and deletes them. */
export const workOnRunSet: FunctionDefinition = {
  name: 'work-on-run-set',
  // 1769 MiB correspond to one whole processor. The largest table (32 MiB) needs half of the memory (measured).
  memoryMib: 1769,
  timeout: Duration.minutes(15),
  variables: ({ stage, values: { installation, tableName, bucketName, stateMachineArn, jobLogGroup } }) => ({
    installation,
    tableName,
    bucketName,
    inputBuckets: JSON.stringify(stage.inputBuckets),
    stateMachineArn,
    jobLogGroup,
  }),
  permissions: ({ grants, stage }) => [
    ...stage.inputBuckets.map(readBucket),
    grants.items([
      ...REPLACE_ITEMS,
      'dynamodb:BatchGetItem',
      'dynamodb:BatchWriteItem',
      'dynamodb:ConditionCheckItem',
      'dynamodb:Query',
    ]),
    grants.objects(['s3:GetObject'], KEYS.uploads),
    grants.objects(['s3:DeleteObject', 's3:GetObject', ...PUT_OBJECTS], KEYS.tasksAndRuns),
    grants.list(KEYS.uploads, KEYS.tasksAndRuns),
    grants.failTokens,
    grants.endJobs,
    grants.removeLogs,
  ],
  trigger: 'WorkOnRunSet',
}
