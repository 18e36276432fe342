import { Aws } from 'aws-cdk-lib'
import {
  APPLICATION_TAG,
  type FunctionName,
  IMPORT_REQUESTED,
  TABLE,
} from '../../src/contract/environment.ts'
import { PREFIXES } from '../../src/contract/storage-keys.ts'
import type { Permission } from './permissions.ts'

/** What the functions work on. */
export interface EngineResources {
  /** Starts the names of repositories and job definitions. */
  readonly prefix: string
  readonly tableArn: string
  readonly bucketArn: string
  readonly stateMachineName: string
  readonly stateMachineArn: string
  readonly jobLogGroupArn: string
  readonly jobQueueArns: readonly string[]
  readonly jobExecutionRoleArn: string
}

/** A step reads its run and changes it by one conditional write. */
const CHANGE_ITEM = ['dynamodb:GetItem', 'dynamodb:UpdateItem'] as const
/** Reservations, tasks and uploads come and go; a transaction needs the permissions of its parts. */
const REPLACE_ITEMS = [...CHANGE_ITEM, 'dynamodb:DeleteItem', 'dynamodb:PutItem'] as const
const ALL_ITEMS = [
  ...REPLACE_ITEMS,
  'dynamodb:BatchGetItem',
  'dynamodb:ConditionCheckItem',
  'dynamodb:Query',
] as const

/** A large body goes in parts, which are given up when it breaks off. */
const PUT_OBJECTS = ['s3:AbortMultipartUpload', 's3:PutObject'] as const

/** `task-` begins all prefixes below which the bucket keeps tasks and runs. */
const TASKS_AND_RUNS = `${PREFIXES.taskDefinition}*`
/** As `runLogKey` makes it. */
const RUN_LOGS = `${PREFIXES.runOutputs}*/log.txt`
const TASK_DEFINITIONS = `${PREFIXES.taskDefinition}*-def/*`
const ONE_PREFIX = 'Objects below the prefixes of the bucket that the step works on'

/** What each function may do; nothing else of the account answers to it. */
export function permissionsOf(
  resources: EngineResources,
): Readonly<Record<FunctionName, readonly Permission[]>> {
  const { tableArn, bucketArn, prefix, stateMachineArn } = resources
  const arn = (service: string, rest: string) =>
    `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${rest}`
  const items = (actions: readonly string[]): Permission => ({ actions, resources: [tableArn] })
  const objects = (actions: readonly string[], ...prefixes: readonly string[]): Permission => ({
    actions,
    resources: prefixes.map((pattern) => `${bucketArn}/${pattern}`),
    because: ONE_PREFIX,
  })
  /**
   * Never without a prefix. S3 also asks for this permission when an object is missing, and then the request has none: it answers
   * 403 and not 404, and the adapter looks for the key in a listing (s3-errors.ts).
   */
  const list = (...prefixes: readonly string[]): Permission => ({
    actions: ['s3:ListBucket'],
    resources: [bucketArn],
    conditions: { StringLike: { 's3:prefix': prefixes } },
  })
  // Ids of tasks, and not just anything: the prefix of another installation may begin with this one.
  const jobDefinitions = arn('batch', `job-definition/${prefix}-????????-????-????-????-????????????*`)
  const jobs = arn('batch', 'job/*')
  const repositories = arn('ecr', `repository/${prefix}/*`)
  const uploads = `${PREFIXES.uploads}*`
  const installs = `${PREFIXES.installs}*`
  const requestImports: Permission = {
    actions: ['events:PutEvents'],
    resources: [arn('events', 'event-bus/default')],
    conditions: { StringEquals: { 'events:source': IMPORT_REQUESTED.sourceOf(prefix) } },
  }
  const outputs = `${PREFIXES.runOutputs}*`
  const endJobs: Permission = {
    actions: ['batch:TerminateJob'],
    resources: [jobs],
    conditions: { StringEquals: { [`aws:ResourceTag/${APPLICATION_TAG}`]: prefix } },
    because: 'Ids of jobs are made by Batch; the tag tells those of this installation',
  }
  const findJobs: Permission = {
    actions: ['batch:DescribeJobs', 'batch:ListJobs'],
    resources: ['*'],
    because: 'Neither action has a resource level',
  }
  const answerTokens: Permission = {
    actions: ['states:SendTaskFailure', 'states:SendTaskSuccess'],
    resources: [stateMachineArn],
  }
  const executions = arn('states', `execution:${resources.stateMachineName}:*`)
  const ofExecutions = (...actions: readonly string[]): Permission => ({
    actions,
    resources: [executions],
    because: 'One execution for each run, of this machine only',
  })

  const readLogs: Permission = { actions: ['logs:GetLogEvents'], resources: [resources.jobLogGroupArn] }
  /** What is left of a task and its runs outside table and bucket. */
  const deleteTasks: readonly Permission[] = [
    { actions: ['logs:DeleteLogStream', 'logs:GetLogEvents'], resources: [resources.jobLogGroupArn] },
    {
      actions: ['batch:DeregisterJobDefinition'],
      resources: [jobDefinitions],
      because: 'One job definition for each task, with the prefix of this installation',
    },
    {
      actions: ['ecr:BatchDeleteImage'],
      resources: [repositories],
      because: 'One repository for each task, below the prefix of this installation',
    },
  ]

  return {
    api: [
      items(ALL_ITEMS),
      objects(['s3:DeleteObject', 's3:GetObject', ...PUT_OBJECTS], uploads, TASKS_AND_RUNS),
      objects(['s3:ListMultipartUploadParts'], uploads, outputs),
      list(uploads, TASKS_AND_RUNS),
      requestImports,
      { actions: ['states:StartExecution'], resources: [stateMachineArn] },
      ofExecutions('states:DescribeExecution', 'states:StopExecution'),
      endJobs,
      ...deleteTasks,
    ],
    'import-bundle': [
      items(REPLACE_ITEMS),
      objects(['s3:DeleteObject', 's3:GetObject'], uploads),
      objects(['s3:DeleteObject', 's3:GetObject', ...PUT_OBJECTS], installs),
      objects(['s3:DeleteObject', 's3:PutObject'], TASK_DEFINITIONS),
      list(uploads, installs, TASK_DEFINITIONS),
      requestImports,
      {
        actions: ['ecr:GetAuthorizationToken'],
        resources: ['*'],
        because: 'A token is for the registry of the account; the action has no resource level',
      },
      {
        actions: [
          'ecr:BatchCheckLayerAvailability',
          'ecr:BatchDeleteImage',
          'ecr:BatchGetImage',
          'ecr:CompleteLayerUpload',
          'ecr:CreateRepository',
          'ecr:GetDownloadUrlForLayer',
          'ecr:InitiateLayerUpload',
          'ecr:PutImage',
          'ecr:TagResource',
          'ecr:UploadLayerPart',
        ],
        resources: [repositories],
        because: 'One repository for each task, below the prefix of this installation',
      },
      {
        actions: ['batch:DeregisterJobDefinition', 'batch:RegisterJobDefinition', 'batch:TagResource'],
        resources: [jobDefinitions],
        because: 'One job definition for each task, with the prefix of this installation',
      },
      {
        actions: ['batch:DescribeJobDefinitions'],
        resources: ['*'],
        because: 'The action has no resource level',
      },
      {
        actions: ['iam:PassRole'],
        resources: [resources.jobExecutionRoleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      },
    ],
    'submit-job': [
      items(CHANGE_ITEM),
      {
        actions: ['batch:SubmitJob'],
        // The reference counts the new job among what it works on, the examples of Batch's guide do not.
        resources: [...resources.jobQueueArns, jobDefinitions, jobs],
        because:
          'One job definition for each task, with the prefix of this installation; ids of jobs are made by Batch',
      },
      {
        actions: ['batch:TagResource'],
        // Batch was seen to ask for it on the job definition of a submission with tags, where its reference names jobs.
        resources: [jobs, jobDefinitions],
        conditions: {
          StringEquals: { [`aws:RequestTag/${APPLICATION_TAG}`]: prefix },
          // A new job has no tag yet; one that is tagged for another installation cannot be made one of ours, and be ended.
          StringEqualsIfExists: { [`aws:ResourceTag/${APPLICATION_TAG}`]: prefix },
        },
        because:
          'Ids of jobs are made by Batch; one job definition for each task, with the prefix of this installation',
      },
      findJobs,
      endJobs,
      answerTokens,
      readLogs,
    ],
    'record-job-state': [
      items(CHANGE_ITEM),
      objects(['s3:DeleteObject', 's3:PutObject'], RUN_LOGS),
      readLogs,
      answerTokens,
    ],
    'collect-outputs': [
      items(CHANGE_ITEM),
      // Of a run that is deleted meanwhile nothing may come back.
      objects(['s3:DeleteObject', 's3:GetObject', ...PUT_OBJECTS], outputs),
      list(outputs),
    ],
    // Its one write answers with what it found.
    'fail-run': [items(['dynamodb:UpdateItem']), endJobs],
    'sweep-runs': [
      items([
        ...CHANGE_ITEM,
        'dynamodb:BatchGetItem',
        'dynamodb:BatchWriteItem',
        'dynamodb:DeleteItem',
        'dynamodb:Query',
      ]),
      objects(['s3:DeleteObject'], TASKS_AND_RUNS),
      objects(['s3:PutObject'], RUN_LOGS),
      list(TASKS_AND_RUNS),
      { actions: ['dynamodb:Query'], resources: [`${tableArn}/index/${TABLE.activeRunsIndex.name}`] },
      findJobs,
      endJobs,
      { actions: ['states:ListExecutions', 'states:StartExecution'], resources: [stateMachineArn] },
      answerTokens,
      requestImports,
      ...deleteTasks,
      ofExecutions('states:DescribeExecution', 'states:StopExecution'),
    ],
  }
}

/** What a function needs of the key that bucket and table are encrypted with; only what S3 and DynamoDB do for it. */
export function useKey(keyArn: string): Permission {
  const service = (name: string): string => `${name}.${Aws.REGION}.${Aws.URL_SUFFIX}`
  return {
    actions: [
      'kms:Decrypt',
      'kms:DescribeKey',
      'kms:Encrypt',
      'kms:GenerateDataKey',
      'kms:ReEncryptFrom',
      'kms:ReEncryptTo',
    ],
    resources: [keyArn],
    conditions: { StringEquals: { 'kms:ViaService': [service('dynamodb'), service('s3')] } },
  }
}
