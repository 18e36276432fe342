/** Reason for permissions that no integration test uses. */
export interface Unused {
  /** Function with these permissions; undefined for all functions. */
  readonly function?: string
  readonly actions: readonly string[]
  /** Part of the resource, if another resource of the same action is used. */
  readonly resource?: string
  readonly because: string
}

/** A reason may stay although a recording uses the permission: some uses depend on timing. */
export const UNUSED: readonly Unused[] = [
  {
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    because: 'Lambda itself writes what a function prints',
  },
  {
    actions: [
      'dynamodb:DescribeStream',
      'dynamodb:GetRecords',
      'dynamodb:GetShardIterator',
      'dynamodb:ListStreams',
    ],
    because: 'Lambda itself reads the stream of the table, with the role of the function',
  },
  {
    function: 'DeliverWebhooks',
    actions: ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
    because: 'Lambda itself receives and deletes messages, with the role of the function',
  },
  {
    actions: ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:SendMessage'],
    because: 'Lambda itself sends what a function could not handle; the grant is the one of the CDK',
  },
  {
    actions: ['s3:AbortMultipartUpload'],
    because:
      'A large object that breaks off on its way is given up; only the tests of the adapter make one, without a function',
  },
  {
    actions: ['states:SendTaskFailure', 'states:SendTaskSuccess'],
    resource: 'stateMachine:app-engine-run',
    because:
      'A token does not say its machine: the recording takes each for one of single runs. The API ends runs of sets',
  },
  {
    function: 'SubmitJob',
    actions: ['s3:DeleteObject'],
    because: 'Copies of outputs are removed when the run, or the one with the outputs, is deleted meanwhile',
  },
  {
    function: 'WorkOnRunSet',
    actions: ['s3:GetObject'],
    resource: '/uploads/',
    because: 'Rows may name files by upload; those of the integration tests name none, the unit tests do',
  },
  {
    function: 'Api',
    actions: ['s3:ListMultipartUploadParts'],
    resource: '/task-run-outputs-',
    because: 'The stager sends outputs in parts from 100 MiB on; for uploads the same action is used',
  },
  {
    function: 'ImportBundle',
    actions: ['batch:DeregisterJobDefinition'],
    because: 'An import that fails between its job definition and its record, the last two steps',
  },
  {
    function: 'ImportBundle',
    actions: ['events:PutEvents'],
    because: 'An import that takes longer than a function may asks for its continuation',
  },
  {
    function: 'ImportBundle',
    actions: ['ecr:GetDownloadUrlForLayer'],
    because: 'A layer that another task of this installation has brought is mounted and not sent again',
  },
  {
    function: 'SubmitJob',
    actions: ['batch:DescribeJobs', 'batch:ListJobs', 'states:SendTaskSuccess'],
    because: 'A call that follows one which died finds its job by name, and answers for it when it has ended',
  },
  {
    function: 'SubmitJob',
    actions: ['batch:TerminateJob'],
    because: 'A run that is deleted in the moment in which its job is submitted',
  },
  {
    function: 'CollectOutputs',
    actions: ['s3:ListBucket'],
    because: 'A listing of the key distinguishes a missing output from a forbidden one',
  },
  {
    function: 'CollectOutputs',
    actions: ['s3:DeleteObject'],
    because: 'A run that is deleted in the moment in which its outputs are collected',
  },
  {
    function: 'SubmitJob',
    actions: ['logs:GetLogEvents'],
    because: 'The job of a crashed call may have failed when the next call finds it; its log has the reason',
  },
  {
    function: 'FailRun',
    actions: ['batch:TerminateJob'],
    because: 'A run whose workflow took longer than a stage allows, days, still has a job',
  },
  {
    function: 'RecordJobState',
    actions: ['s3:DeleteObject'],
    because: 'A run that is deleted in the moment in which its log is kept',
  },
  {
    function: 'SweepRuns',
    actions: [
      'batch:TerminateJob',
      'states:DescribeExecution',
      'states:StartExecution',
      'states:StopExecution',
    ],
    because:
      'Repairs after a function that died at the wrong moment; the unit tests of the sweeper name the moments',
  },
  {
    function: 'SweepRuns',
    actions: [
      'batch:DeregisterJobDefinition',
      'dynamodb:BatchWriteItem',
      'dynamodb:DeleteItem',
      'ecr:BatchDeleteImage',
      'logs:DeleteLogStream',
      'logs:GetLogEvents',
      's3:DeleteObject',
      's3:ListBucket',
      's3:PutObject',
    ],
    because:
      'Interrupted deletions of tasks, deleted runs once they are old enough, the log of a run whose last event was lost',
  },
]
