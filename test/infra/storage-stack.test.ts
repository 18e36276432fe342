import { Match, Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { synthesize } from './synthesis.ts'

const production = synthesize('production').stacks.storage
const template = Template.fromStack(production)
const local = Template.fromStack(synthesize('local').stacks.storage)

describe('the storage stack', () => {
  it('expires uploads and installs after 7 days and unfinished parts after 1', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: [
          {
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
            Id: Match.anyValue(),
            Status: 'Enabled',
          },
          Match.objectLike({ Prefix: 'uploads/', Status: 'Enabled', ExpirationInDays: 7 }),
          Match.objectLike({ Prefix: 'installs/', Status: 'Enabled', ExpirationInDays: 7 }),
        ],
      },
    })
  })

  it('sends events to EventBridge without a custom resource', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    })
    template.resourcePropertiesCountIs('Custom::S3BucketNotifications', {}, 0)
    template.resourceCountIs('AWS::Lambda::Function', 0)
  })

  it.each([
    ['off', undefined],
    ['read-only', ['GET', 'HEAD']],
    ['full', ['GET', 'HEAD', 'PUT']],
  ] as const)('allows web pages the methods that the console needs in mode %s', (console, methods) => {
    const bucket = Template.fromStack(synthesize('production', { console }).stacks.storage)

    bucket.hasResourceProperties('AWS::S3::Bucket', {
      CorsConfiguration:
        methods === undefined
          ? Match.absent()
          : { CorsRules: [Match.objectLike({ AllowedMethods: methods })] },
    })
  })

  it('encrypts the bucket and blocks public access to it', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      BucketEncryption: Match.anyValue(),
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    })
  })

  it('refuses requests to the bucket without TLS', () => {
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: [
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ],
      },
    })
  })

  it('has one on-demand table with expiring items and the indexes of active runs and of all runs', () => {
    template.resourceCountIs('AWS::DynamoDB::Table', 1)
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      BillingMode: 'PAY_PER_REQUEST',
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'active-runs',
          KeySchema: [
            { AttributeName: 'activeRuns', KeyType: 'HASH' },
            { AttributeName: 'updatedAt', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
        {
          IndexName: 'runs',
          KeySchema: [
            { AttributeName: 'runShard', KeyType: 'HASH' },
            { AttributeName: 'runOrder', KeyType: 'RANGE' },
          ],
          Projection: {
            ProjectionType: 'INCLUDE',
            NonKeyAttributes: Match.arrayWith(['id', 'taskId', 'state', 'rowFailure', 'rowCost']),
          },
        },
      ],
    })
  })

  it('protects the table in production, and can restore it to any point in time', () => {
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      DeletionProtectionEnabled: true,
    })
    expect(production.terminationProtection).toBe(true)
  })

  it('is deleted with all data in the local stage', () => {
    local.allResources('AWS::S3::Bucket', { DeletionPolicy: 'Delete' })
    local.allResources('AWS::DynamoDB::Table', { DeletionPolicy: 'Delete' })
    local.allResources('AWS::Logs::LogGroup', { DeletionPolicy: 'Delete' })
  })

  it('keeps the logical ids of stateful resources', () => {
    const { Resources } = template.toJSON()

    expect(Object.keys(Resources).sort()).toEqual([
      'Bucket83908E77',
      'BucketPolicyE9A3008A',
      'JobLogs4F84869B',
      'TableCD117FA1',
    ])
  })
})
