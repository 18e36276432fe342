import { Template } from 'aws-cdk-lib/assertions'
import { Runtime, RuntimeFamily } from 'aws-cdk-lib/aws-lambda'
import { describe, expect, it } from 'vitest'
import { buildEngine } from '../../lib/engine.ts'
import { stageOf } from '../../lib/stages.ts'
import { pairwise } from '../fixtures/stage-choices.ts'
import { anApp, type Resource, resourcesOf, type Statement, spell, statementsOf } from './synthesis.ts'

function build(settings: unknown) {
  const stacks = buildEngine(anApp(), stageOf(settings))
  const all = Object.values(stacks).flatMap((stack) => resourcesOf(Template.fromStack(stack)))
  return {
    all,
    ofType: (type: string) => all.filter(([, resource]) => resource.Type === type),
    /** Statements in the policies of roles and endpoints. Those of buckets and queues apply only to that resource. */
    statements: all
      .filter(([, { Type }]) =>
        ['AWS::IAM::Policy', 'AWS::IAM::Role', 'AWS::EC2::VPCEndpoint'].includes(Type),
      )
      .flatMap(([id, { Properties }]) =>
        documentsOf(Properties)
          .flatMap(statementsOf)
          .map((statement): readonly [id: string, Statement] => [id, statement]),
      ),
  }
}

function documentsOf(properties: Resource['Properties']): unknown[] {
  const inline = (properties.Policies ?? []) as readonly { readonly PolicyDocument: unknown }[]
  return [properties.PolicyDocument, ...inline.map((policy) => policy.PolicyDocument)].filter(
    (document) => document !== undefined,
  )
}

/** Actions that AWS cannot restrict to a resource. */
const WITHOUT_RESOURCE = [
  'batch:DescribeJobDefinitions',
  'batch:DescribeJobs',
  'batch:ListJobs',
  'dynamodb:ListStreams',
  'ecr:GetAuthorizationToken',
  'ecs:DiscoverPollEndpoint',
  'logs:CreateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:DescribeLogGroups',
  'logs:DescribeResourcePolicies',
  'logs:GetLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:UpdateLogDelivery',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
  'xray:PutTelemetryRecords',
  'xray:PutTraceSegments',
]

const PRODUCTION = { name: 'production' }

describe.each([['production', PRODUCTION] as const, ...pairwise()])('all resources of %s', (_, settings) => {
  const { all, ofType, statements } = build(settings)

  it('run functions on ARM and on the newest version of Node in Lambda', () => {
    const newest = Runtime.ALL.filter(({ family }) => family === RuntimeFamily.NODEJS)
      .map(({ name }) => name)
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      .filter((name) => /^nodejs\d+\.x$/u.test(name))
      .at(-1)

    expect(ofType('AWS::Lambda::Function').length).toBeGreaterThan(0)
    for (const [, { Properties }] of ofType('AWS::Lambda::Function')) {
      expect(Properties).toMatchObject({ Architectures: ['arm64'], Runtime: newest })
    }
  })

  it('have no wildcards in actions', () => {
    expect(statements.length).toBeGreaterThan(10)
    for (const [id, { effect, actions }] of statements) {
      if (effect === 'Allow') expect(actions.join(' '), id).not.toContain('*')
    }
  })

  it('have the resource * only for actions that AWS cannot restrict', () => {
    const unbound = statements.filter(([, { resources }]) => resources.includes('*'))

    for (const [id, { actions }] of unbound) {
      for (const action of actions) expect(WITHOUT_RESOURCE, id).toContain(action)
    }
  })

  it('may pass only the execution role, and only to ECS', () => {
    const passing = statements.filter(([, { actions }]) => actions.includes('iam:PassRole'))

    expect(passing.map(([, { resources, condition }]) => ({ resources, condition }))).toEqual([
      {
        resources: ['<ExecutionRole.Arn>'],
        condition: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      },
    ])
  })

  it('have logs with a retention', () => {
    expect(ofType('AWS::Logs::LogGroup').length).toBeGreaterThan(0)
    for (const [id, { Properties }] of ofType('AWS::Logs::LogGroup')) {
      expect(Properties.RetentionInDays, id).toBeTypeOf('number')
    }
  })

  it('write the logs of every function to a group of the stack', () => {
    const groups = ofType('AWS::Logs::LogGroup').map(([id]) => `<${id}>`)

    for (const [id, { Properties }] of ofType('AWS::Lambda::Function')) {
      const { LogGroup } = (Properties.LoggingConfig ?? {}) as { readonly LogGroup?: unknown }
      expect(groups, id).toContain(spell(LogGroup))
    }
  })

  it('have a dead-letter target for each function that is called asynchronously', () => {
    const targets = ofType('AWS::Events::Rule').flatMap(
      ([, { Properties }]) => Properties.Targets as readonly Record<string, unknown>[],
    )
    const configs = ofType('AWS::Lambda::EventInvokeConfig').map(([, { Properties }]) => Properties)

    expect(targets.length).toBeGreaterThan(0)
    for (const target of targets) {
      const name = spell(target.Arn).replace('.Arn', '')
      const config = configs.find(({ FunctionName }) => spell(FunctionName) === name)
      expect(target, name).toHaveProperty('DeadLetterConfig.Arn')
      expect(config, name).toHaveProperty('DestinationConfig.OnFailure.Destination')
    }
  })

  it('refuse requests without TLS to buckets and queues', () => {
    const kept = [...ofType('AWS::S3::Bucket'), ...ofType('AWS::SQS::Queue')].map(([id]) => `<${id}>`)
    const refusing = [...ofType('AWS::S3::BucketPolicy'), ...ofType('AWS::SQS::QueuePolicy')]
      .filter(([, { Properties }]) =>
        statementsOf(Properties.PolicyDocument).some(
          ({ effect, condition }) =>
            effect === 'Deny' && JSON.stringify(condition) === '{"Bool":{"aws:SecureTransport":"false"}}',
        ),
      )
      .flatMap(([, { Properties }]) => [Properties.Bucket, Properties.Queues].flat())
      .filter((reference) => reference !== undefined)

    expect(refusing.map(spell).sort()).toEqual(kept.sort())
  })

  it('include no custom resource', () => {
    const custom = all.filter(([, { Type }]) => /^(Custom::|AWS::CloudFormation::CustomResource)/u.test(Type))

    expect(custom).toEqual([])
  })
})

describe('resources of production', () => {
  const { ofType } = build(PRODUCTION)

  it('are kept if they have state', () => {
    const stateful = ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::Logs::LogGroup'].flatMap(ofType)

    expect(stateful.length).toBeGreaterThan(2)
    for (const [id, { DeletionPolicy, UpdateReplacePolicy }] of stateful) {
      expect([DeletionPolicy, UpdateReplacePolicy], id).toEqual(['Retain', 'Retain'])
    }
  })

  it('have no fixed names if they have state', () => {
    for (const [id, { Properties }] of ['AWS::S3::Bucket', 'AWS::DynamoDB::Table'].flatMap(ofType)) {
      expect(Properties.BucketName ?? Properties.TableName, id).toBeUndefined()
    }
  })
})
