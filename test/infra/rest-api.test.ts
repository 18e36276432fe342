import { Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import { describe, expect, it } from 'vitest'
import { EngineFunction } from '../../lib/constructs/function.ts'
import { type ApiAccess, EngineApi } from '../../lib/constructs/rest-api.ts'
import { api } from '../../lib/functions/api.ts'
import { anApp, resourcesOf, spell } from './synthesis.ts'

function anApi(access: ApiAccess): Template {
  const stack = new Stack(anApp(), 'Test')
  const stage = {
    prefix: 'test',
    throttle: { rate: 7, burst: 9 },
    logRetentionDays: RetentionDays.ONE_WEEK,
    keepData: false,
    console: 'off',
  } as const
  const handler = new EngineFunction(stack, { definition: api, stage }).lambda
  new EngineApi(stack, 'RestApi', { stage, handler, access })
  return Template.fromStack(stack)
}

/** Path and authorization of every method. `apiId` selects one of several APIs. */
function methodsOf(template: Template, apiId?: string): string[] {
  const resources = new Map(resourcesOf(template, 'AWS::ApiGateway::Resource'))
  const pathOf = (reference: string): string => {
    const resource = resources.get(reference.replaceAll(/[<>]/gu, ''))
    if (resource === undefined) return ''
    return `${pathOf(spell(resource.Properties.ParentId))}/${resource.Properties.PathPart}`
  }
  return resourcesOf(template, 'AWS::ApiGateway::Method')
    .filter(([, { Properties }]) => apiId === undefined || spell(Properties.RestApiId) === `<${apiId}>`)
    .map(
      ([, { Properties }]) =>
        `${Properties.HttpMethod} ${pathOf(spell(Properties.ResourceId)) || '/'} ${Properties.AuthorizationType}`,
    )
}

describe('REST API', () => {
  it('sends every request to the function unchanged', () => {
    const template = anApi({ mode: 'open' })

    expect(methodsOf(template).sort()).toEqual(['ANY / NONE', 'ANY /{proxy+} NONE'])
    template.allResourcesProperties('AWS::ApiGateway::Method', { Integration: { Type: 'AWS_PROXY' } })
    template.hasResourceProperties('AWS::ApiGateway::RestApi', { BinaryMediaTypes: ['*/*'] })
  })

  it('accepts requests only through the named VPC endpoints in mode private', () => {
    const template = anApi({
      mode: 'private',
      vpcEndpointIds: ['vpce-1', 'vpce-2'],
      stagerEndpointId: 'vpce-3',
    })

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

  it('refuses all requests in mode private without a VPC endpoint', () => {
    anApi({ mode: 'private', vpcEndpointIds: [], stagerEndpointId: 'vpce-3' }).hasResourceProperties(
      'AWS::ApiGateway::RestApi',
      {
        EndpointConfiguration: { Types: ['PRIVATE'] },
        Policy: {
          Statement: [
            {
              Effect: 'Deny',
              Principal: { AWS: '*' },
              Action: 'execute-api:Invoke',
              Resource: 'execute-api:/*',
            },
          ],
        },
      },
    )
  })

  it('requires signatures on every route in mode iam', () => {
    const template = anApi({ mode: 'iam', stagerEndpointId: 'vpce-1' })

    const [regional, ...others] = resourcesOf(template, 'AWS::ApiGateway::RestApi').filter(
      ([, { Properties }]) => JSON.stringify(Properties.EndpointConfiguration) === '{"Types":["REGIONAL"]}',
    )
    expect(others).toEqual([])
    expect(regional?.[1].Properties.Policy).toBeUndefined()
    expect(methodsOf(template, regional?.[0]).sort()).toEqual(['ANY / AWS_IAM', 'ANY /{proxy+} AWS_IAM'])
  })

  it.each<ApiAccess>([
    { mode: 'iam', stagerEndpointId: 'vpce-1' },
    { mode: 'private', vpcEndpointIds: ['vpce-2'], stagerEndpointId: 'vpce-1' },
  ])(
    'has an API for stagers in mode $mode, with staging routes only and through the endpoint of jobs only',
    (access) => {
      const template = anApi(access)

      const [[stagerApi] = [''], ...others] = resourcesOf(template, 'AWS::ApiGateway::RestApi').filter(
        ([, { Properties }]) => JSON.stringify(Properties.Policy)?.includes('vpce-1'),
      )
      expect(others).toEqual([])
      expect(methodsOf(template, stagerApi)).toEqual([
        'ANY /app-engine/v1/task-runs/{id}/staging/{proxy+} NONE',
      ])
      template.hasResourceProperties('AWS::ApiGateway::RestApi', {
        Name: 'test-stager',
        EndpointConfiguration: { Types: ['PRIVATE'] },
        Policy: {
          Statement: [
            {
              Effect: 'Allow',
              Principal: { AWS: '*' },
              Action: 'execute-api:Invoke',
              Resource: 'execute-api:/*',
              Condition: { StringEquals: { 'aws:SourceVpce': ['vpce-1'] } },
            },
          ],
        },
      })
    },
  )

  it('sets the account’s logging role once for all APIs', () => {
    const template = anApi({ mode: 'iam', stagerEndpointId: 'vpce-1' })

    template.resourceCountIs('AWS::ApiGateway::Account', 1)
    const [[account] = ['']] = resourcesOf(template, 'AWS::ApiGateway::Account')
    template.allResources('AWS::ApiGateway::Stage', { DependsOn: Match.arrayWith([account]) })
  })

  it('retains the account’s logging role when the stage is deleted', () => {
    const template = anApi({ mode: 'open' })

    template.hasResource('AWS::ApiGateway::Account', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
    })
    const [[, account] = ['', undefined]] = resourcesOf(template, 'AWS::ApiGateway::Account')
    const roleId = spell(account?.Properties.CloudWatchRoleArn).replace(/^<(\w+)\.Arn>$/u, '$1')
    const [, role] = resourcesOf(template, 'AWS::IAM::Role').find(([id]) => id === roleId) ?? []
    expect([role?.DeletionPolicy, role?.UpdateReplacePolicy]).toEqual(['Retain', 'Retain'])
  })

  it('throttles and logs requests, in a stage with a fixed name', () => {
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

  it('has a separate limit for stagers, which is enough for a hundred runs that start together', () => {
    const stages = resourcesOf(anApi({ mode: 'iam', stagerEndpointId: 'vpce-1' }), 'AWS::ApiGateway::Stage')

    expect(stages.map(([, { Properties }]) => Properties.MethodSettings)).toEqual([
      [expect.objectContaining({ ThrottlingRateLimit: 7 })],
      [expect.objectContaining({ ThrottlingRateLimit: 1000 })],
    ])
  })

  it('does not write headers, queries and bodies to the access log', () => {
    const [[, stage] = ['', undefined]] = resourcesOf(anApi({ mode: 'open' }), 'AWS::ApiGateway::Stage')

    expect(JSON.stringify(stage)).not.toMatch(/header|querystring|requestOverride|body/iu)
  })
})
