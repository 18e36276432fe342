import { Duration } from 'aws-cdk-lib'
import type { FunctionDefinition } from '../constructs/function-definition.ts'

/** Ends a run whose workflow failed. */
export const failRun: FunctionDefinition = {
  name: 'fail-run',
  memoryMib: 256,
  timeout: Duration.seconds(30),
  variables: ({ values: { installation, tableName } }) => ({ installation, tableName }),
  // No `dynamodb:GetItem`: the conditional write returns the stored item.
  permissions: ({ grants }) => [grants.items(['dynamodb:UpdateItem']), grants.endJobs],
  trigger: 'FailRun',
}
