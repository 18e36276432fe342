import { Match, Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import type { Stage } from '../../lib/settings.ts'
import { environmentOf, resourcesOf, spell, statementsOf, synthesize } from './synthesis.ts'

const service = Template.fromStack(synthesize('production').stacks.service)
const local = Template.fromStack(synthesize('local').stacks.service)

const A_DEAD_LETTER_QUEUE = { 'Fn::GetAtt': [Match.stringLikeRegexp('DeadLetters'), 'Arn'] }

describe('the service stack', () => {
  it('passes the URL of the API for stagers to submit-job', () => {
    expect(environmentOf(service, 'SubmitJob').STAGER_API_URL).toMatch(
      /^https:\/\/<RestApi\w+>\.execute-api\.<AWS::Region>\.amazonaws\.com\/api\/app-engine\/v1\/$/u,
    )
    expect(environmentOf(local, 'SubmitJob').STAGER_API_URL).toMatch(
      /^http:\/\/127\.0\.0\.1:4566\/restapis\/<RestApi\w+>\/api\/_user_request_\/app-engine\/v1\/$/u,
    )
  })

  it.each<Stage['access']>([{ mode: 'iam' }, { mode: 'private', vpcEndpointIds: ['vpce-1'] }])(
    'has different APIs for callers and stagers with access $mode',
    (access) => {
      const template = Template.fromStack(synthesize('production', { access }).stacks.service)

      expect(environmentOf(template, 'SubmitJob').STAGER_API_URL).toMatch(/^https:\/\/<RestApiStagerApi/u)
      expect(spell(template.toJSON().Outputs.ApiUrl.Value)).toMatch(/^https:\/\/<RestApi(?!StagerApi)/u)
    },
  )

  it.each(['ImportBundle', 'SubmitJob'])('passes the tags for new resources to %s', (id) => {
    const tags = { 'cost-center': '42' }
    const tagged = Template.fromStack(synthesize('production', { tags }).stacks.service)

    expect(JSON.parse(environmentOf(tagged, id).RESOURCE_TAGS ?? '')).toEqual({
      ...tags,
      application: 'app-engine',
    })
  })

  it('passes the URL of the registry to the importer', () => {
    expect(environmentOf(service, 'ImportBundle').REGISTRY_URL).toBe(
      'https://<AWS::AccountId>.dkr.ecr.<AWS::Region>.amazonaws.com',
    )
    expect(environmentOf(local, 'ImportBundle').REGISTRY_URL).toBe('http://127.0.0.1:4566')
  })

  it('calls import-bundle for objects that are created below uploads/', () => {
    service.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: { bucket: { name: [Match.anyValue()] }, object: { key: [{ prefix: 'uploads/' }] } },
      },
      Targets: [
        Match.objectLike({ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^ImportBundle'), 'Arn'] } }),
      ],
    })
  })

  it('calls import-bundle for events that its own functions send', () => {
    service.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { source: ['app-engine.app-engine'], 'detail-type': ['Import Requested'] },
    })
  })

  it('calls the sweeper every five minutes', () => {
    service.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(5 minutes)',
      Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^SweepRuns'), 'Arn'] } })],
    })
    expect(environmentOf(service, 'SweepRuns')).toMatchObject({
      SWEEP_GRACE_SECONDS: '300',
      SWEEP_STEP_LIMIT_SECONDS: '10800',
    })
  })

  it('calls record-job-state for state changes of jobs in its queue, and when the queue is blocked', () => {
    service.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.batch'],
        'detail-type': ['Batch Job State Change', 'Batch Job Queue Blocked'],
        detail: { jobQueue: [{ 'Fn::ImportValue': Match.stringLikeRegexp('JobQueueArn') }] },
      },
      Targets: [
        Match.objectLike({ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^RecordJobState'), 'Arn'] } }),
      ],
    })
  })

  it.each(['ImportBundle', 'RecordJobState', 'SweepRuns'])(
    'sends events that %s could not process to a dead-letter queue',
    (id) => {
      service.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
        FunctionName: { Ref: Match.stringLikeRegexp(`^${id}Function`) },
        DestinationConfig: { OnFailure: { Destination: A_DEAD_LETTER_QUEUE } },
        MaximumRetryAttempts: 2,
        MaximumEventAgeInSeconds: 21_600,
      })
      service.hasResourceProperties('AWS::Events::Rule', {
        Targets: [
          {
            Id: Match.anyValue(),
            Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp(`^${id}Function`), 'Arn'] },
            DeadLetterConfig: { Arn: A_DEAD_LETTER_QUEUE },
            RetryPolicy: { MaximumRetryAttempts: 24, MaximumEventAgeInSeconds: 21_600 },
          },
        ],
      })
    },
  )

  it('sends changes of runs, run sets and uploads to publish-events, and retries for twelve hours', () => {
    service.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FunctionName: { Ref: Match.stringLikeRegexp('^PublishEventsFunction') },
      EventSourceArn: { 'Fn::ImportValue': Match.stringLikeRegexp('Table\\w+StreamArn') },
      StartingPosition: 'TRIM_HORIZON',
      FilterCriteria: {
        Filters: [{ Pattern: '{"dynamodb":{"Keys":{"sk":{"S":["RUN","RUNSET","UPLOAD"]}}}}' }],
      },
      BisectBatchOnFunctionError: true,
      MaximumRecordAgeInSeconds: 43_200,
      MaximumRetryAttempts: -1,
      DestinationConfig: { OnFailure: { Destination: A_DEAD_LETTER_QUEUE } },
    })
  })

  it('delivers to webhooks by a FIFO queue, one message per call, and keeps messages that failed eleven times', () => {
    service.hasResourceProperties('AWS::SQS::Queue', {
      FifoQueue: true,
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
      RedrivePolicy: { deadLetterTargetArn: A_DEAD_LETTER_QUEUE, maxReceiveCount: 11 },
    })
    service.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FunctionName: { Ref: Match.stringLikeRegexp('^DeliverWebhooksFunction') },
      BatchSize: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    })
  })

  it('allows webhooks on this machine in the local stage, but only in the internet on AWS', () => {
    for (const id of ['Api', 'DeliverWebhooks']) {
      expect(environmentOf(service, id).WEBHOOK_NETWORKS).toBe('public')
      expect(environmentOf(local, id).WEBHOOK_NETWORKS).toBe('local')
    }
  })

  it('encrypts the dead-letter queues and requires TLS', () => {
    service.allResourcesProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true })
    service.allResourcesProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    })
  })

  it('has outputs for clients and scripts', () => {
    const outputs = Object.keys(service.toJSON().Outputs)

    expect(outputs).toEqual(
      expect.arrayContaining([
        'ApiUrl',
        'BucketName',
        'TableName',
        'StateMachineArn',
        'JobLogGroup',
        'EventBusName',
        'JobQueueArn',
      ]),
    )
  })

  it('has an output with the base URL on the emulator, without a trailing slash', () => {
    const { ApiUrl } = local.toJSON().Outputs

    expect(spell(ApiUrl.Value)).toMatch(
      /^http:\/\/127\.0\.0\.1:4566\/restapis\/<RestApi\w+>\/api\/_user_request_$/u,
    )
  })

  it('lets jobs call the API for stagers by their endpoint, and refuses all calls to the API for callers by default', () => {
    const policies = resourcesOf(service, 'AWS::ApiGateway::RestApi').map(([id, { Properties }]) => [
      id.replace(/[0-9A-F]{8}$/u, ''),
      statementsOf(Properties.Policy).map(({ effect, condition }) => [effect, condition]),
    ])

    expect(Object.fromEntries(policies)).toEqual({
      RestApi: [['Deny', undefined]],
      RestApiStagerApi: [
        [
          'Allow',
          {
            StringEquals: {
              'aws:SourceVpce': [{ 'Fn::ImportValue': expect.stringMatching(/ApiEndpoint/u) }],
            },
          },
        ],
      ],
    })
  })
})
