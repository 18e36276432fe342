import { Duration } from 'aws-cdk-lib'
import type { FunctionDefinition } from '../constructs/function-definition.ts'
import { CHANGE_ITEM, KEYS } from '../constructs/grants.ts'

/** Repairs runs, imports and deletions whose events, calls or processes were lost. */
export const sweepRuns: FunctionDefinition = {
  name: 'sweep-runs',
  memoryMib: 512,
  // The time between two sweeps of production, enough for about 100 000 runs.
  timeout: Duration.minutes(5),
  variables: ({ values, stage }) => ({
    installation: values.installation,
    tableName: values.tableName,
    bucketName: values.bucketName,
    registryUrl: values.registryUrl,
    stateMachineArn: values.stateMachineArn,
    setMachineArn: values.setMachineArn,
    jobQueues: values.jobQueues,
    jobLogGroup: values.jobLogGroup,
    sweepGraceSeconds: String(stage.sweep.graceSeconds),
    sweepStepLimitSeconds: String(stage.sweep.stepLimitSeconds),
    sweepLateWriteSeconds: String(stage.sweep.lateWriteSeconds),
  }),
  permissions: ({ grants }) => [
    grants.items([
      ...CHANGE_ITEM,
      'dynamodb:BatchGetItem',
      'dynamodb:BatchWriteItem',
      'dynamodb:DeleteItem',
      'dynamodb:Query',
    ]),
    grants.objects(['s3:DeleteObject'], KEYS.tasksAndRuns),
    grants.objects(['s3:PutObject'], KEYS.runLogs),
    grants.list(KEYS.tasksAndRuns),
    grants.queryUnfinished,
    grants.findJobs,
    grants.endJobs,
    grants.workflow(['states:ListExecutions', 'states:StartExecution']),
    grants.setWorkflow(['states:StartExecution']),
    grants.answerTokens,
    grants.requestImports,
    ...grants.deleteTasks,
    grants.stopExecutions,
  ],
  trigger: {
    id: 'Sweep',
    deadLetters: 'Sweeps',
    rules: ({ stage }) => ({
      Rule: {
        description: 'Schedule: repair runs whose events were lost',
        every: Duration.minutes(stage.sweep.everyMinutes),
      },
    }),
  },
}
