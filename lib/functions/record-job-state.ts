import { Duration } from 'aws-cdk-lib'
import { queueArnsOf } from '../../src/contract/job-queues.ts'
import type { FunctionDefinition } from '../constructs/function-definition.ts'
import { CHANGE_ITEM, KEYS } from '../constructs/grants.ts'

/** Records state changes of jobs in their runs. */
export const recordJobState: FunctionDefinition = {
  name: 'record-job-state',
  memoryMib: 256,
  timeout: Duration.seconds(30),
  variables: ({ values: { installation, tableName, bucketName, stateMachineArn, jobLogGroup } }) => ({
    installation,
    tableName,
    bucketName,
    stateMachineArn,
    jobLogGroup,
  }),
  permissions: ({ grants }) => [
    grants.items(CHANGE_ITEM),
    grants.objects(['s3:DeleteObject', 's3:PutObject'], KEYS.runLogs),
    grants.readJobLogs,
    grants.answerTokens,
  ],
  trigger: {
    id: 'JobStateChange',
    deadLetters: 'JobStates',
    rules: ({ platform }) => ({
      Rule: {
        description: 'A job of our queue changed its state, or cannot be placed: record it',
        pattern: {
          source: ['aws.batch'],
          detailType: ['Batch Job State Change', 'Batch Job Queue Blocked'],
          detail: { jobQueue: queueArnsOf(platform.queues) },
        },
      },
    }),
  },
}
