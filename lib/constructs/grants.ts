import { Aws } from 'aws-cdk-lib'
import { APPLICATION_TAG, eventSourceOf, TABLE } from '../../src/contract/environment.ts'
import { PREFIXES } from '../../src/contract/storage-keys.ts'
import { WEBHOOK_PARTITIONS } from '../../src/contract/webhooks.ts'
import type { Permission } from './permissions.ts'

/** Resources that functions use. */
export interface EngineResources {
  /** Prefix of the names of repositories and job definitions. */
  readonly prefix: string
  readonly tableArn: string
  /** Stream of the table's changes. */
  readonly streamArn: string
  readonly eventBusArn: string
  /** Queue of events on their way to webhooks. */
  readonly deliveryQueueArn: string
  readonly bucketArn: string
  readonly stateMachineName: string
  readonly stateMachineArn: string
  readonly setMachineName: string
  readonly setMachineArn: string
  readonly jobLogGroupArn: string
  readonly jobQueueArns: readonly string[]
  readonly jobExecutionRoleArn: string
}

/** A step reads its run and changes it by one conditional write. */
export const CHANGE_ITEM = ['dynamodb:GetItem', 'dynamodb:UpdateItem'] as const
/** For reservations, tasks and uploads; a transaction needs the permissions of its parts. */
export const REPLACE_ITEMS = [...CHANGE_ITEM, 'dynamodb:DeleteItem', 'dynamodb:PutItem'] as const

/** A large object is sent in parts, which are aborted when the connection breaks. */
export const PUT_OBJECTS = ['s3:AbortMultipartUpload', 's3:PutObject'] as const

/** Key patterns of the bucket. */
export const KEYS = {
  uploads: `${PREFIXES.uploads}*`,
  installs: `${PREFIXES.installs}*`,
  outputs: `${PREFIXES.runOutputs}*`,
  /** Start of all prefixes of tasks and runs. */
  tasksAndRuns: `${PREFIXES.taskDefinition}*`,
  taskDefinitions: `${PREFIXES.taskDefinition}*-def/*`,
  /** Pattern of the keys that `runLogKey` returns. */
  runLogs: `${PREFIXES.runOutputs}*/log.txt`,
} as const

const OWN_REPOSITORIES = 'One repository for each task, below the prefix of this installation'
const OWN_DEFINITIONS = 'One job definition for each task, with the prefix of this installation'

/** ARN of a resource of this account and Region. */
const arn = (service: string, rest: string): string =>
  `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${rest}`

/** Permissions for functions; each definition in `lib/functions/` chooses from them. */
export type Grants = ReturnType<typeof grantsOn>

/** Permissions on the resources of one installation. */
export function grantsOn(resources: EngineResources) {
  const { prefix, tableArn, bucketArn, stateMachineName, stateMachineArn, jobLogGroupArn } = resources
  const { setMachineName, setMachineArn } = resources
  // The pattern of a task id, not `*`: the prefix of another installation may begin with this one.
  const jobDefinitions = arn('batch', `job-definition/${prefix}-????????-????-????-????-????????????*`)
  const jobs = arn('batch', 'job/*')
  const onDefinitions = (actions: readonly string[]): Permission => ({
    actions,
    resources: [jobDefinitions],
    because: OWN_DEFINITIONS,
  })
  const onImages = (actions: readonly string[]): Permission => ({
    actions,
    resources: [arn('ecr', `repository/${prefix}/*`)],
    because: OWN_REPOSITORIES,
  })
  return {
    items: (actions: readonly string[]): Permission => ({ actions, resources: [tableArn] }),
    queryUnfinished: {
      actions: ['dynamodb:Query'],
      resources: [`${tableArn}/index/${TABLE.unfinishedIndex.name}`],
    },
    queryRuns: {
      actions: ['dynamodb:Query'],
      resources: [`${tableArn}/index/${TABLE.runIndex.name}`],
    },
    /** Lambda reads the stream with the function's role. */
    readChanges: [
      {
        actions: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'],
        resources: [resources.streamArn],
      },
      withoutResource(['dynamodb:ListStreams'], 'The action has no resource level'),
    ],
    publishEvents: {
      actions: ['events:PutEvents'],
      resources: [resources.eventBusArn],
      conditions: { StringEquals: { 'events:source': eventSourceOf(prefix) } },
    },
    ...webhookGrants(tableArn, resources.deliveryQueueArn),
    ...objectGrants(bucketArn),
    requestImports: {
      actions: ['events:PutEvents'],
      resources: [arn('events', 'event-bus/default')],
      conditions: { StringEquals: { 'events:source': eventSourceOf(prefix) } },
    },
    images: onImages,
    registryToken: withoutResource(
      ['ecr:GetAuthorizationToken'],
      'A token is for the registry of the account; the action has no resource level',
    ),
    jobDefinitions: onDefinitions,
    submitJobs: submitGrants(prefix, resources.jobQueueArns, { jobs, jobDefinitions }),
    findJobs: withoutResource(
      ['batch:DescribeJobs', 'batch:ListJobs'],
      'Neither action has a resource level',
    ),
    endJobs: {
      actions: ['batch:TerminateJob'],
      resources: [jobs],
      conditions: { StringEquals: { [`aws:ResourceTag/${APPLICATION_TAG}`]: prefix } },
      because: 'Batch chooses the ids of jobs; the tag limits the grant to jobs of this installation',
    },
    passJobExecutionRole: {
      actions: ['iam:PassRole'],
      resources: [resources.jobExecutionRoleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    },
    workflow: (actions: readonly string[]): Permission => ({ actions, resources: [stateMachineArn] }),
    setWorkflow: (actions: readonly string[]): Permission => ({ actions, resources: [setMachineArn] }),
    answerTokens: {
      actions: ['states:SendTaskFailure', 'states:SendTaskSuccess'],
      // The ARN of a Distributed Map's executions contains the machine's name and the name of the state.
      resources: [stateMachineArn, setMachineArn, `${setMachineArn}/*`],
      because: 'Step Functions names the machine of the runs of a set',
    },
    /** Ends the step of a run of a set, which has no execution of its own. */
    failTokens: {
      actions: ['states:SendTaskFailure'],
      resources: [stateMachineArn, setMachineArn, `${setMachineArn}/*`],
      because: 'Step Functions names the machine of the runs of a set',
    },
    stopExecutions: {
      actions: ['states:DescribeExecution', 'states:StopExecution'],
      resources: [stateMachineName, setMachineName].map((name) => arn('states', `execution:${name}:*`)),
      because: 'One execution for each run or round of a set, of these state machines only',
    },
    readJobLogs: { actions: ['logs:GetLogEvents'], resources: [jobLogGroupArn] },
    removeLogs: { actions: ['logs:DeleteLogStream'], resources: [jobLogGroupArn] },
    /** Removes resources of a task and its runs outside table and bucket. */
    deleteTasks: [
      { actions: ['logs:DeleteLogStream', 'logs:GetLogEvents'], resources: [jobLogGroupArn] },
      onDefinitions(['batch:DeregisterJobDefinition']),
      onImages(['ecr:BatchDeleteImage']),
    ],
  }
}

/** Webhooks: functions that call unknown hosts, or read all changes, have access to no other items of the table. */
function webhookGrants(tableArn: string, queueArn: string) {
  const onItems = (action: string, partition: string): Permission => ({
    actions: [action],
    resources: [tableArn],
    conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${partition}*`] } },
  })
  return {
    listWebhooks: onItems('dynamodb:Query', WEBHOOK_PARTITIONS.listing),
    readWebhook: onItems('dynamodb:GetItem', WEBHOOK_PARTITIONS.webhook),
    queueDeliveries: { actions: ['sqs:SendMessage'], resources: [queueArn] },
    /** Lambda receives and deletes messages with the function's role. */
    receiveDeliveries: {
      actions: [
        'sqs:ChangeMessageVisibility',
        'sqs:DeleteMessage',
        'sqs:GetQueueAttributes',
        'sqs:ReceiveMessage',
      ],
      resources: [queueArn],
    },
  }
}

function objectGrants(bucketArn: string) {
  return {
    objects: (actions: readonly string[], ...keys: readonly string[]): Permission => ({
      actions,
      resources: keys.map((pattern) => `${bucketArn}/${pattern}`),
      because: 'Objects below the prefixes of the bucket that the function works on',
    }),
    /**
     * Listing by prefix. Without `s3:ListBucket` on the whole bucket, S3 answers 403 instead of 404 when a GET or HEAD finds no
     * object; `src/aws/s3-errors.ts` then looks for the key in a listing.
     */
    list: (...prefixes: readonly string[]): Permission => ({
      actions: ['s3:ListBucket'],
      resources: [bucketArn],
      conditions: { StringLike: { 's3:prefix': prefixes } },
    }),
  }
}

function submitGrants(
  prefix: string,
  jobQueueArns: readonly string[],
  { jobs, jobDefinitions }: { readonly jobs: string; readonly jobDefinitions: string },
): readonly Permission[] {
  const because = `${OWN_DEFINITIONS}; Batch chooses the ids of jobs`
  return [
    {
      actions: ['batch:SubmitJob'],
      // The Service Authorization Reference lists the new job as a resource, the examples of Batch's guide do not.
      resources: [...jobQueueArns, jobDefinitions, jobs],
      because,
    },
    {
      actions: ['batch:TagResource'],
      // Batch authorizes this on the job definition of a submission with tags, although its reference names only jobs.
      resources: [jobs, jobDefinitions],
      conditions: {
        StringEquals: { [`aws:RequestTag/${APPLICATION_TAG}`]: prefix },
        // A new job has no tag yet. A job of another installation must not get our tag, or it could be ended.
        StringEqualsIfExists: { [`aws:ResourceTag/${APPLICATION_TAG}`]: prefix },
      },
      because,
    },
  ]
}

/** Permission for actions that AWS cannot restrict to a resource. */
export function withoutResource(actions: readonly string[], because: string): Permission {
  return { actions, resources: ['*'], because }
}

/** Use of the key that encrypts bucket and table, through S3 and DynamoDB only. */
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
