import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import { describe, expect, it } from 'vitest'
import { EngineFunction } from '../../lib/constructs/function.ts'
import { EngineApi } from '../../lib/constructs/rest-api.ts'
import type { Access } from '../../lib/stages.ts'
import { anApp, resourcesOf, spell } from './synthesis.ts'

function anApi(access: Access): Template {
  const stack = new Stack(anApp(), 'Test')
  const logs = { logRetention: RetentionDays.ONE_WEEK, removalPolicy: RemovalPolicy.DESTROY }
  const handler = new EngineFunction(stack, 'Handler', {
    name: 'api',
    variables: {
      installation: 'i',
      tableName: 't',
      bucketName: 'b',
      stateMachineArn: 's',
      jobLogGroup: 'l',
      registryUrl: 'r',
    },
    memoryMib: 128,
    timeout: Duration.seconds(1),
    ...logs,
  })
  new EngineApi(stack, 'Api', { name: 'test', handler, access, throttle: { rate: 7, burst: 9 }, ...logs })
  return Template.fromStack(stack)
}

/** Path and authorization of every method. */
function methodsOf(template: Template): string[] {
  const resources = new Map(resourcesOf(template, 'AWS::ApiGateway::Resource'))
  const pathOf = (reference: string): string => {
    const resource = resources.get(reference.replaceAll(/[<>]/gu, ''))
    if (resource === undefined) return ''
    return `${pathOf(spell(resource.Properties.ParentId))}/${resource.Properties.PathPart}`
  }
  return resourcesOf(template, 'AWS::ApiGateway::Method').map(
    ([, { Properties }]) =>
      `${Properties.HttpMethod} ${pathOf(spell(Properties.ResourceId)) || '/'} ${Properties.AuthorizationType}`,
  )
}

describe('REST API', () => {
  it('hands every request to the function as it came', () => {
    const template = anApi({ mode: 'open' })

    expect(methodsOf(template).sort()).toEqual(['ANY / NONE', 'ANY /{proxy+} NONE'])
    template.allResourcesProperties('AWS::ApiGateway::Method', { Integration: { Type: 'AWS_PROXY' } })
    template.hasResourceProperties('AWS::ApiGateway::RestApi', { BinaryMediaTypes: ['*/*'] })
  })

  it('lets nobody in but through the named VPC endpoints when private', () => {
    const template = anApi({ mode: 'private', vpcEndpointIds: ['vpce-1', 'vpce-2'] })

    template.hasResourceProperties('AWS::ApiGateway::RestApi', {
      EndpointConfiguration: { Types: ['PRIVATE'] },
      Policy: {
        Statement: [
          {
            Effect: 'Allow',
            Principal: { AWS: '*' },
            Action: 'execute-api:Invoke',
            Resource: 'execute-api:/*',
            Condition: { StringEquals: { 'aws:SourceVpce': ['vpce-1', 'vpce-2'] } },
          },
        ],
      },
    })
  })

  it('refuses to be private for nobody', () => {
    expect(() => anApi({ mode: 'private', vpcEndpointIds: [] })).toThrow(/at least one VPC endpoint/u)
  })

  it('asks for signatures in mode iam, but not on the staging routes', () => {
    const template = anApi({ mode: 'iam' })

    template.hasResourceProperties('AWS::ApiGateway::RestApi', {
      EndpointConfiguration: { Types: ['REGIONAL'] },
      Policy: Match.absent(),
    })
    expect(methodsOf(template).sort()).toEqual([
      'ANY / AWS_IAM',
      'ANY /app-engine AWS_IAM',
      'ANY /app-engine/v1 AWS_IAM',
      'ANY /app-engine/v1/task-runs AWS_IAM',
      'ANY /app-engine/v1/task-runs/{id} AWS_IAM',
      'ANY /app-engine/v1/task-runs/{id}/staging/{proxy+} NONE',
      'ANY /app-engine/v1/task-runs/{id}/{proxy+} AWS_IAM',
      'ANY /app-engine/v1/{proxy+} AWS_IAM',
      'ANY /app-engine/{proxy+} AWS_IAM',
      'ANY /{proxy+} AWS_IAM',
    ])
  })

  it('throttles and logs at a stage of a fixed name', () => {
    anApi({ mode: 'open' }).hasResourceProperties('AWS::ApiGateway::Stage', {
      StageName: 'api',
      AccessLogSetting: { DestinationArn: Match.anyValue(), Format: Match.anyValue() },
      MethodSettings: [
        Match.objectLike({
          ThrottlingRateLimit: 7,
          ThrottlingBurstLimit: 9,
          LoggingLevel: 'ERROR',
          DataTraceEnabled: false,
        }),
      ],
    })
  })

  it('keeps headers, queries and bodies out of the access log', () => {
    const [[, stage] = ['', undefined]] = resourcesOf(anApi({ mode: 'open' }), 'AWS::ApiGateway::Stage')

    expect(JSON.stringify(stage)).not.toMatch(/header|querystring|requestOverride|body/iu)
  })
})
