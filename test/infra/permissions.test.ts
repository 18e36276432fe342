import { Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { describe, expect, it } from 'vitest'
import { allow, type Permission, wildcardReasons } from '../../lib/constructs/permissions.ts'
import { anApp, resourcesOf, statementsOf, synthesize } from './synthesis.ts'

const service = Template.fromStack(synthesize('production').stacks.service)

/** All that a function may do: actions by resource. */
function permissionsOf(id: string): Record<string, string> {
  const policies = resourcesOf(service, 'AWS::IAM::Policy').filter(([name]) => name.startsWith(`${id}Role`))
  const statements = policies.flatMap(([, { Properties }]) => statementsOf(Properties.PolicyDocument))
  return Object.fromEntries(
    statements.map(({ actions, resources, condition }) => {
      const short = resources.map((resource) =>
        resource
          .replace(/^arn:<AWS::Partition>:\w+:<AWS::Region>:<AWS::AccountId>:/u, '')
          .replaceAll(/[0-9A-F]{8}(?=\.Arn>)/gu, ''),
      )
      const suffix = condition === undefined ? '' : ` if ${JSON.stringify(condition)}`
      return [short.join(' ') + suffix, actions.join(' ')]
    }),
  )
}

const OWN_JOBS = 'job/* if {"StringEquals":{"aws:ResourceTag/application":"app-engine"}}'
/** Not those of an installation whose prefix begins with this one. */
const DEFINITIONS = 'job-definition/app-engine-????????-????-????-????-????????????*'

/** What is tagged gets our tag, and is none that another installation has tagged. */
const OWN_TAGS = JSON.stringify({
  StringEquals: { 'aws:RequestTag/application': 'app-engine' },
  StringEqualsIfExists: { 'aws:ResourceTag/application': 'app-engine' },
})

/** Actions by resource: a change here is a change of what a stolen function could do. */
const PERMISSIONS: readonly (readonly [id: string, Readonly<Record<string, string>>])[] = [
  [
    'Api',
    {
      '<ApiLogs.Arn>': 'logs:CreateLogStream logs:PutLogEvents',
      '<Table.Arn>':
        'dynamodb:BatchGetItem dynamodb:ConditionCheckItem dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:UpdateItem',
      '<Bucket.Arn>/task-* <Bucket.Arn>/uploads/*':
        's3:AbortMultipartUpload s3:DeleteObject s3:GetObject s3:PutObject',
      '<Bucket.Arn>/task-run-outputs-* <Bucket.Arn>/uploads/*': 's3:ListMultipartUploadParts',
      '<Bucket.Arn> if {"StringLike":{"s3:prefix":["uploads/*","task-*"]}}': 's3:ListBucket',
      'event-bus/default if {"StringEquals":{"events:source":"app-engine.app-engine"}}': 'events:PutEvents',
      'stateMachine:app-engine-run': 'states:StartExecution',
      'execution:app-engine-run:*': 'states:DescribeExecution states:StopExecution',
      '<JobLogs.Arn>': 'logs:DeleteLogStream logs:GetLogEvents',
      [OWN_JOBS]: 'batch:TerminateJob',
      [DEFINITIONS]: 'batch:DeregisterJobDefinition',
      'repository/app-engine/*': 'ecr:BatchDeleteImage',
    },
  ],
  [
    'ImportBundle',
    {
      '<ImportBundleLogs.Arn>': 'logs:CreateLogStream logs:PutLogEvents',
      '<Table.Arn>': 'dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem',
      '<Bucket.Arn>/uploads/*': 's3:DeleteObject s3:GetObject',
      '<Bucket.Arn>/installs/*': 's3:AbortMultipartUpload s3:DeleteObject s3:GetObject s3:PutObject',
      '<Bucket.Arn>/task-*-def/*': 's3:DeleteObject s3:PutObject',
      '<Bucket.Arn> if {"StringLike":{"s3:prefix":["uploads/*","installs/*","task-*-def/*"]}}':
        's3:ListBucket',
      'event-bus/default if {"StringEquals":{"events:source":"app-engine.app-engine"}}': 'events:PutEvents',
      '*': 'batch:DescribeJobDefinitions ecr:GetAuthorizationToken',
      'repository/app-engine/*': [
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
      ].join(' '),
      [DEFINITIONS]: 'batch:DeregisterJobDefinition batch:RegisterJobDefinition batch:TagResource',
      '<ExecutionRole.Arn> if {"StringEquals":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}}':
        'iam:PassRole',
      '<UploadedBundleDeadLetters.Arn>': 'sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SendMessage',
    },
  ],
  [
    'SubmitJob',
    {
      '<SubmitJobLogs.Arn>': 'logs:CreateLogStream logs:PutLogEvents',
      '<Table.Arn>': 'dynamodb:GetItem dynamodb:UpdateItem',
      [`<Queue.JobQueueArn> ${DEFINITIONS} job/*`]: 'batch:SubmitJob',
      [`${DEFINITIONS} job/* if ${OWN_TAGS}`]: 'batch:TagResource',
      [OWN_JOBS]: 'batch:TerminateJob',
      '*': 'batch:DescribeJobs batch:ListJobs',
      'stateMachine:app-engine-run': 'states:SendTaskFailure states:SendTaskSuccess',
      '<JobLogs.Arn>': 'logs:GetLogEvents',
    },
  ],
  [
    'RecordJobState',
    {
      '<RecordJobStateLogs.Arn>': 'logs:CreateLogStream logs:PutLogEvents',
      '<Table.Arn>': 'dynamodb:GetItem dynamodb:UpdateItem',
      '<Bucket.Arn>/task-run-outputs-*/log.txt': 's3:DeleteObject s3:PutObject',
      '<JobLogs.Arn>': 'logs:GetLogEvents',
      'stateMachine:app-engine-run': 'states:SendTaskFailure states:SendTaskSuccess',
      '<JobStateChangeDeadLetters.Arn>': 'sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SendMessage',
    },
  ],
  [
    'CollectOutputs',
    {
      '<CollectOutputsLogs.Arn>': 'logs:CreateLogStream logs:PutLogEvents',
      '<Table.Arn>': 'dynamodb:GetItem dynamodb:UpdateItem',
      '<Bucket.Arn>/task-run-outputs-*': 's3:AbortMultipartUpload s3:DeleteObject s3:GetObject s3:PutObject',
      '<Bucket.Arn> if {"StringLike":{"s3:prefix":["task-run-outputs-*"]}}': 's3:ListBucket',
    },
  ],
  [
    'FailRun',
    {
      '<FailRunLogs.Arn>': 'logs:CreateLogStream logs:PutLogEvents',
      '<Table.Arn>': 'dynamodb:UpdateItem',
      [OWN_JOBS]: 'batch:TerminateJob',
    },
  ],
  [
    'SweepRuns',
    {
      '<SweepRunsLogs.Arn>': 'logs:CreateLogStream logs:PutLogEvents',
      '<Table.Arn>':
        'dynamodb:BatchGetItem dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:GetItem dynamodb:Query dynamodb:UpdateItem',
      '<Table.Arn>/index/active-runs': 'dynamodb:Query',
      '*': 'batch:DescribeJobs batch:ListJobs',
      [OWN_JOBS]: 'batch:TerminateJob',
      'stateMachine:app-engine-run':
        'states:ListExecutions states:SendTaskFailure states:SendTaskSuccess states:StartExecution',
      'execution:app-engine-run:*': 'states:DescribeExecution states:StopExecution',
      '<JobLogs.Arn>': 'logs:DeleteLogStream logs:GetLogEvents',
      '<Bucket.Arn>/task-*': 's3:DeleteObject',
      '<Bucket.Arn>/task-run-outputs-*/log.txt': 's3:PutObject',
      '<Bucket.Arn> if {"StringLike":{"s3:prefix":["task-*"]}}': 's3:ListBucket',
      'event-bus/default if {"StringEquals":{"events:source":"app-engine.app-engine"}}': 'events:PutEvents',
      [DEFINITIONS]: 'batch:DeregisterJobDefinition',
      'repository/app-engine/*': 'ecr:BatchDeleteImage',
      '<SweepDeadLetters.Arn>': 'sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SendMessage',
    },
  ],
]

describe('permissions of functions', () => {
  it.each(PERMISSIONS)('are these and no more for %s', (id, expected) => {
    expect(permissionsOf(id)).toEqual(expected)
  })
})

describe('a permission', () => {
  const aRole = () =>
    new Role(new Stack(anApp(), 'Test'), 'Role', { assumedBy: new ServicePrincipal('x.amazonaws.com') })
  const permission: Permission = { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::bucket/key'] }

  it('names its actions one by one', () => {
    expect(() => allow(aRole(), { ...permission, actions: ['s3:Get*'] })).toThrow(
      'Test/Role: actions are named one by one (s3:Get*)',
    )
  })

  it('says why a resource has a wildcard', () => {
    expect(() => allow(aRole(), { ...permission, resources: ['arn:aws:s3:::bucket/*'] })).toThrow(
      'Test/Role: say why s3:GetObject may reach arn:aws:s3:::bucket/*',
    )
  })

  it('keeps the reason for the report', () => {
    const role = aRole()

    allow(role, { ...permission, resources: ['arn:aws:s3:::bucket/*'], because: 'it is so' })

    expect(wildcardReasons(role.node.root)).toEqual([
      { construct: role, resource: 'arn:aws:s3:::bucket/*', reason: 'it is so' },
    ])
  })
})
