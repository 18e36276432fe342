import { Duration } from 'aws-cdk-lib'
import type { FunctionDefinition } from '../constructs/function-definition.ts'
import { CHANGE_ITEM } from '../constructs/grants.ts'

/** Submits a run to Batch. */
export const submitJob: FunctionDefinition = {
  name: 'submit-job',
  memoryMib: 256,
  timeout: Duration.minutes(1),
  variables: ({ values, stagerApiUrl }) => ({
    installation: values.installation,
    resourceTags: values.resourceTags,
    tableName: values.tableName,
    stateMachineArn: values.stateMachineArn,
    jobLogGroup: values.jobLogGroup,
    jobQueues: values.jobQueues,
    stagerApiUrl: `${stagerApiUrl}/app-engine/v1/`,
  }),
  permissions: ({ grants }) => [
    grants.items(CHANGE_ITEM),
    ...grants.submitJobs,
    grants.findJobs,
    grants.endJobs,
    grants.answerTokens,
    grants.readJobLogs,
  ],
  trigger: 'SubmitJob',
}
