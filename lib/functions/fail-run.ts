import { Duration } from 'aws-cdk-lib'
import type { FunctionDefinition } from '../constructs/function-definition.ts'
import { CHANGE_ITEM } from '../constructs/grants.ts'

/** Ends a run whose workflow failed. */
export const failRun: FunctionDefinition = {
  name: 'fail-run',
  memoryMib: 256,
  timeout: Duration.seconds(30),
  variables: ({ values: { installation, tableName } }) => ({ installation, tableName }),
  // A run of a set is read before the transaction that counts its end.
  permissions: ({ grants }) => [grants.items(CHANGE_ITEM), grants.endJobs],
  trigger: 'FailRun',
}
