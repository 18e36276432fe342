import * as z from 'zod'
import { APPLICATION_TAG, TABLE } from '../../src/contract/environment.ts'
import type { Caller, NeededPermission } from './needed-permission.ts'

/* Operations of the services with JSON bodies. Each schema has the members that name resources. */

type Arn = (resource: string) => string
/** Permissions by body; ARNs are of the operation's own service. */
export type Operation = (body: unknown, arn: Arn, caller: Caller) => readonly NeededPermission[]

/** An operation whose body matches `schema`. */
function operation<Body>(
  schema: z.ZodType<Body>,
  needs: (body: Body, arn: Arn, caller: Caller) => readonly NeededPermission[],
): Operation {
  return (body, arn, caller) => needs(schema.parse(body), arn, caller)
}

const text = z.object({ S: z.string() })
const tableBody = z.object({
  TableName: z.string(),
  IndexName: z.string().optional(),
  Key: z.object({ [TABLE.partitionKey]: text }).optional(),
  ExpressionAttributeValues: z.object({ ':pk': text.optional() }).optional(),
})
const onTable = (action: string) =>
  operation(tableBody, ({ TableName, IndexName, Key, ExpressionAttributeValues }, arn) => {
    const index = IndexName === undefined ? '' : `/index/${IndexName}`
    // Name of the partition's value in a query of the table (src/aws/dynamo-table.ts).
    const partition = Key?.[TABLE.partitionKey]?.S ?? ExpressionAttributeValues?.[':pk']?.S
    return [
      {
        action: `dynamodb:${action}`,
        resource: arn(`table/${TableName}${index}`),
        ...(partition !== undefined && { context: { 'dynamodb:LeadingKeys': partition } }),
      },
    ]
  })

const onTables = (action: string) =>
  operation(z.object({ RequestItems: z.record(z.string(), z.unknown()) }), ({ RequestItems }, arn) =>
    Object.keys(RequestItems).map((table) => ({
      action: `dynamodb:${action}`,
      resource: arn(`table/${table}`),
    })),
  )

/** A transaction needs the permissions of its parts. */
const TRANSACTION_PARTS: Readonly<Record<string, string>> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
  Get: 'GetItem',
}
const transaction = operation(
  z.object({ TransactItems: z.array(z.record(z.string(), z.object({ TableName: z.string() }))) }),
  ({ TransactItems }, arn) =>
    TransactItems.flatMap(Object.entries).map(([part, { TableName }]) => ({
      action: `dynamodb:${TRANSACTION_PARTS[part] ?? part}`,
      resource: arn(`table/${TableName}`),
    })),
)

const onMachine = (action: string) =>
  operation(z.object({ stateMachineArn: z.string() }), (body) => [
    { action: `states:${action}`, resource: body.stateMachineArn },
  ])
const onExecution = (action: string) =>
  operation(z.object({ executionArn: z.string() }), (body) => [
    { action: `states:${action}`, resource: body.executionArn },
  ])
const answer =
  (action: string): Operation =>
  (_body, _arn, { stateMachineArn = '' }) => [{ action: `states:${action}`, resource: stateMachineArn }]

/** The URL of a queue ends in account and name. */
const onQueue = (action: string) =>
  operation(z.object({ QueueUrl: z.string() }), ({ QueueUrl }, arn) => [
    { action: `sqs:${action}`, resource: arn(QueueUrl.split('/').at(-1) ?? '') },
  ])

const onStream = (action: string) =>
  operation(z.object({ logGroupName: z.string(), logStreamName: z.string() }), (body, arn) => [
    {
      action: `logs:${action}`,
      resource: arn(`log-group:${body.logGroupName}:log-stream:${body.logStreamName}`),
    },
  ])

const tags = z.array(z.object({ Key: z.string(), Value: z.string() })).default([])
const ofRepository = (action: string) =>
  operation(z.object({ repositoryName: z.string(), tags }), (body, arn) => {
    const resource = arn(`repository/${body.repositoryName}`)
    const tagged = body.tags.length > 0 ? [{ action: 'ecr:TagResource', resource }] : []
    return [{ action: `ecr:${action}`, resource }, ...tagged]
  })

const putEvents = operation(
  z.object({
    Entries: z.array(
      z.object({ EventBusName: z.string().default('default'), Source: z.string(), DetailType: z.string() }),
    ),
  }),
  ({ Entries }, arn) =>
    Entries.map(({ EventBusName, Source, DetailType }) => ({
      action: 'events:PutEvents',
      resource: arn(`event-bus/${EventBusName}`),
      context: { 'events:source': Source, 'events:detail-type': DetailType },
    })),
)

const tagMap = z.record(z.string(), z.string()).default({})
/** Batch generates the id, so patterns for jobs must match any. */
const NEW_JOB = 'job/00000000-0000-4000-8000-000000000000'
const submitJob = operation(
  z.object({ jobQueue: z.string(), jobDefinition: z.string(), tags: tagMap }),
  ({ jobQueue, jobDefinition, ...job }, arn) => [
    { action: 'batch:SubmitJob', resource: arnOf(jobQueue, 'job-queue', arn) },
    { action: 'batch:SubmitJob', resource: arnOf(jobDefinition, 'job-definition', arn) },
    { action: 'batch:SubmitJob', resource: arn(NEW_JOB) },
    ...(Object.keys(job.tags).length > 0
      ? [arn(NEW_JOB), arnOf(jobDefinition, 'job-definition', arn)].map((resource) => ({
          action: 'batch:TagResource',
          resource,
          context: requestTag(job.tags),
        }))
      : []),
  ],
)

function requestTag(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const value = tags[APPLICATION_TAG]
  return value === undefined ? {} : { [`aws:RequestTag/${APPLICATION_TAG}`]: value }
}

const roles = z.object({ executionRoleArn: z.string().optional(), jobRoleArn: z.string().optional() })
const registerDefinition = operation(
  z.object({
    jobDefinitionName: z.string(),
    tags: tagMap,
    containerProperties: roles.optional(),
    ecsProperties: z
      .object({ taskProperties: z.array(roles.extend({ taskRoleArn: z.string().optional() })) })
      .optional(),
  }),
  (body, arn) => {
    const resource = arn(`job-definition/${body.jobDefinitionName}`)
    const passed = [body.containerProperties ?? {}, ...(body.ecsProperties?.taskProperties ?? [])]
      .flatMap((of) => Object.values(of))
      .filter((role) => role !== undefined)
    return [
      { action: 'batch:RegisterJobDefinition', resource },
      // The tags belong to the new revision.
      ...(Object.keys(body.tags).length > 0
        ? [{ action: 'batch:TagResource', resource: `${resource}:1` }]
        : []),
      ...passed.map((role) => ({
        action: 'iam:PassRole',
        resource: role,
        context: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' },
      })),
    ]
  },
)

function arnOf(nameOrArn: string, kind: string, arn: Arn): string {
  return nameOrArn.startsWith('arn:') ? nameOrArn : arn(`${kind}/${nameOrArn}`)
}

const onAnything =
  (action: string): Operation =>
  () => [{ action, resource: '*' }]

/** By service and operation; Batch has its operations in the path, in lower case. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'dynamodb:GetItem': onTable('GetItem'),
  'dynamodb:PutItem': onTable('PutItem'),
  'dynamodb:UpdateItem': onTable('UpdateItem'),
  'dynamodb:DeleteItem': onTable('DeleteItem'),
  'dynamodb:Query': onTable('Query'),
  'dynamodb:BatchGetItem': onTables('BatchGetItem'),
  'dynamodb:BatchWriteItem': onTables('BatchWriteItem'),
  'dynamodb:TransactWriteItems': transaction,
  'dynamodb:TransactGetItems': transaction,
  'states:StartExecution': onMachine('StartExecution'),
  'states:ListExecutions': onMachine('ListExecutions'),
  'states:StopExecution': onExecution('StopExecution'),
  'states:DescribeExecution': onExecution('DescribeExecution'),
  'states:SendTaskSuccess': answer('SendTaskSuccess'),
  'states:SendTaskFailure': answer('SendTaskFailure'),
  'logs:GetLogEvents': onStream('GetLogEvents'),
  'logs:DeleteLogStream': onStream('DeleteLogStream'),
  'events:PutEvents': putEvents,
  // A batch needs the permission of a single message.
  'sqs:SendMessageBatch': onQueue('SendMessage'),
  'sqs:ChangeMessageVisibility': onQueue('ChangeMessageVisibility'),
  'ecr:CreateRepository': ofRepository('CreateRepository'),
  'ecr:BatchDeleteImage': ofRepository('BatchDeleteImage'),
  'ecr:DeleteRepository': ofRepository('DeleteRepository'),
  'ecr:DescribeImageScanFindings': ofRepository('DescribeImageScanFindings'),
  'ecr:GetAuthorizationToken': onAnything('ecr:GetAuthorizationToken'),
  'batch:submitjob': submitJob,
  'batch:registerjobdefinition': registerDefinition,
  'batch:deregisterjobdefinition': operation(z.object({ jobDefinition: z.string() }), (body, arn) => [
    { action: 'batch:DeregisterJobDefinition', resource: arnOf(body.jobDefinition, 'job-definition', arn) },
  ]),
  // All jobs of the emulator belong to one installation, which tags them at submission.
  'batch:terminatejob': operation(z.object({ jobId: z.string() }), ({ jobId }, arn, { installation }) => [
    {
      action: 'batch:TerminateJob',
      resource: arn(`job/${jobId}`),
      ...(installation === undefined
        ? {}
        : { context: { [`aws:ResourceTag/${APPLICATION_TAG}`]: installation } }),
    },
  ]),
  'batch:describejobdefinitions': onAnything('batch:DescribeJobDefinitions'),
  'batch:describejobs': onAnything('batch:DescribeJobs'),
  'batch:listjobs': onAnything('batch:ListJobs'),
}
