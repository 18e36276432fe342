import { Duration } from 'aws-cdk-lib'
import type { FunctionDefinition } from '../constructs/function-definition.ts'
import { CHANGE_ITEM, KEYS, PUT_OBJECTS } from '../constructs/grants.ts'

/** Submits a run to Batch. */
export const submitJob: FunctionDefinition = {
  name: 'submit-job',
  memoryMib: 256,
  timeout: Duration.minutes(1),
  variables: ({ values, stagerApiUrl }) => ({
    installation: values.installation,
    resourceTags: values.resourceTags,
    tableName: values.tableName,
    bucketName: values.bucketName,
    stateMachineArn: values.stateMachineArn,
    jobLogGroup: values.jobLogGroup,
    jobQueues: values.jobQueues,
    stagerApiUrl: `${stagerApiUrl}/app-engine/v1/`,
  }),
  permissions: ({ grants }) => [
    grants.items([...CHANGE_ITEM, 'dynamodb:BatchGetItem', 'dynamodb:PutItem']),
    // A run of a set may take the outputs of an equal run; what it cannot keep is removed.
    grants.objects(['s3:DeleteObject', 's3:GetObject', ...PUT_OBJECTS], KEYS.outputs),
    grants.list(KEYS.outputs),
    ...grants.submitJobs,
    grants.findJobs,
    grants.endJobs,
    grants.answerTokens,
    grants.readJobLogs,
  ],
  trigger: 'SubmitJob',
}
