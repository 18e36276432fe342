import { Aws, Duration } from 'aws-cdk-lib'
import type { FunctionDefinition } from '../constructs/function-definition.ts'
import { CHANGE_ITEM, KEYS, PUT_OBJECTS } from '../constructs/grants.ts'
import type { Permission } from '../constructs/permissions.ts'
import type { Stage } from '../settings.ts'

/** Permissions for objects of the input buckets of the stage. */
function readInputs({ inputBuckets, inputBucketKeys }: Stage): readonly Permission[] {
  const buckets = inputBuckets.map((name) => `arn:${Aws.PARTITION}:s3:::${name}`)
  const objects = buckets.map((bucket) => `${bucket}/*`)
  // When a bucket is deleted, another account can create one with its name; the condition excludes that.
  const conditions = { StringEquals: { 'aws:ResourceAccount': Aws.ACCOUNT_ID } }
  const read: readonly Permission[] = [
    {
      actions: ['s3:GetObject'],
      resources: objects,
      conditions,
      because: 'Any object of a bucket that the settings name may be an input',
    },
    // Without the permission to list, S3 answers 403 for an object that does not exist.
    { actions: ['s3:ListBucket'], resources: buckets, conditions },
  ]
  const decrypt: Permission = {
    actions: ['kms:Decrypt'],
    resources: inputBucketKeys,
    conditions: {
      StringEquals: { 'kms:ViaService': `s3.${Aws.REGION}.${Aws.URL_SUFFIX}` },
      // S3 passes the object's ARN as encryption context, or the bucket's if an S3 Bucket Key is enabled.
      StringLike: { 'kms:EncryptionContext:aws:s3:arn': [...buckets, ...objects] },
    },
  }
  return [...(inputBuckets.length > 0 ? read : []), ...(inputBucketKeys.length > 0 ? [decrypt] : [])]
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
    ...readInputs(stage),
    grants.items([
      ...CHANGE_ITEM,
      'dynamodb:PutItem',
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
