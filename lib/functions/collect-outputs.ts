import { Duration } from 'aws-cdk-lib'
import type { FunctionDefinition } from '../constructs/function-definition.ts'
import { CHANGE_ITEM, KEYS, PUT_OBJECTS } from '../constructs/grants.ts'

/** Checks the outputs of a run and ends it. */
export const collectOutputs: FunctionDefinition = {
  name: 'collect-outputs',
  memoryMib: 1024,
  timeout: Duration.minutes(15),
  variables: ({ values: { installation, tableName, bucketName } }) => ({
    installation,
    tableName,
    bucketName,
  }),
  permissions: ({ grants }) => [
    // Digests of the inputs are read, and the result recorded for equal runs.
    grants.items([...CHANGE_ITEM, 'dynamodb:BatchGetItem', 'dynamodb:PutItem']),
    // Deletes the objects that it wrote for a run that was deleted in the meantime.
    grants.objects(['s3:DeleteObject', 's3:GetObject', ...PUT_OBJECTS], KEYS.outputs),
    grants.list(KEYS.outputs),
  ],
  trigger: 'CollectOutputs',
}
