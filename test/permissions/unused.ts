/** Permissions that no integration test uses, with the reason. */
export interface Unused {
  /** Function with these permissions; undefined for all functions. */
  readonly function?: string
  readonly actions: readonly string[]
  /** Part of the resource, if another resource of the same action is used. */
  readonly resource?: string
  readonly because: string
}

/** May contain permissions that a recording uses, because some uses depend on timing. */
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
    because: 'Lambda itself sends events that a function could not process; the CDK grants all three',
  },
  {
    actions: ['s3:AbortMultipartUpload'],
    because:
      'Used when the transfer of a large object fails, which only the tests of the adapter test, without a function',
  },
  {
    actions: ['states:SendTaskFailure', 'states:SendTaskSuccess'],
    resource: 'stateMachine:app-engine-run',
    because:
      'Tokens do not name their state machine: the recording takes all for the one of single runs. The API also ends runs of sets',
  },
  {
    function: 'SubmitJob',
    actions: ['s3:DeleteObject'],
    because:
      'Removes copies of outputs when the run, or the run with the outputs, is deleted in the meantime',
  },
  {
    function: 'WorkOnRunSet',
    actions: ['s3:GetObject'],
    resource: '/uploads/',
    because: 'Rows may name files by upload; only those of the unit tests do',
  },
  {
    function: 'Api',
    actions: ['s3:ListMultipartUploadParts'],
    resource: '/task-run-outputs-',
    because: 'The stager sends outputs of 100 MiB or more in parts; the same action is used for uploads',
  },
  {
    function: 'ImportBundle',
    actions: ['batch:DeregisterJobDefinition'],
    because:
      'Used when an import fails between its last two steps, the job definition and the record of the task',
  },
  {
    function: 'ImportBundle',
    actions: ['events:PutEvents'],
    because: 'An import that takes longer than a function may run requests its continuation',
  },
  {
    function: 'ImportBundle',
    actions: ['ecr:GetDownloadUrlForLayer'],
    because: 'Takes a layer from the repository of another task instead of sending it again',
  },
  {
    function: 'SubmitJob',
    actions: ['batch:DescribeJobs', 'batch:ListJobs', 'states:SendTaskSuccess'],
    because:
      'After a crashed call, the next call finds the job by name, and sends its result if it has ended',
  },
  {
    function: 'SubmitJob',
    actions: ['batch:TerminateJob'],
    because: 'Used when a run is deleted while its job is submitted',
  },
  {
    function: 'CollectOutputs',
    actions: ['s3:ListBucket'],
    because: 'A listing of the key distinguishes a missing output from a forbidden one',
  },
  {
    function: 'CollectOutputs',
    actions: ['s3:DeleteObject'],
    because: 'Used when a run is deleted while its outputs are collected',
  },
  {
    function: 'SubmitJob',
    actions: ['logs:GetLogEvents'],
    because:
      'After a crashed call, the next call may find that the job has failed, and reads the reason in its log',
  },
  {
    function: 'FailRun',
    actions: ['batch:TerminateJob'],
    because: 'Ends the job of a run whose workflow took longer than the stage allows (days)',
  },
  {
    function: 'RecordJobState',
    actions: ['s3:DeleteObject'],
    because: 'Used when a run is deleted while its log is stored',
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
      'Repairs runs after a function has crashed; the unit tests of the sweeper cover each such moment',
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
      'Completes deletions of tasks and runs, and stores the log of a run whose last Batch job event was lost',
  },
]
