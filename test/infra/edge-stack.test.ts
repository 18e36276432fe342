import { readFileSync } from 'node:fs'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { EngineRules } from '../../lib/rules.ts'
import type { EdgeSettings, Stage } from '../../lib/settings.ts'
import { EdgeStack } from '../../lib/stacks/edge-stack.ts'
import { stageNamed } from '../../lib/stages.ts'
import { anApp, resourcesOf, spell, statementsOf, synthesize } from './synthesis.ts'

const PRIVATE: Stage['access'] = { mode: 'private', vpcEndpointIds: ['vpce-0123456789abcdef0'] }
const IAM: Stage['access'] = { mode: 'iam' }

function settings(change: Partial<EdgeSettings> = {}): EdgeSettings {
  return {
    vpc: {
      id: 'vpc-0123456789abcdef0',
      subnets: { 'eu-west-1a': 'subnet-0123456789abcdef0', 'eu-west-1b': 'subnet-0123456789abcdef1' },
    },
    clients: ['10.0.0.0/16', 'sg-0123456789abcdef0'],
    reaches: ['10.0.8.0/24', 'pl-0123456789abcdef0'],
    desiredCount: 2,
    cpu: 512,
    memoryMib: 1024,
    clientSharePercent: 50,
    ...change,
  }
}

const API_URL = 'https://a1b2c3.execute-api.eu-west-1.amazonaws.com/api'

function anEdge(access: Stage['access'], change: Partial<EdgeSettings> = {}, app = anApp()): Template {
  const stage = { ...stageNamed('production', {}), access }
  const api = { apiUrl: API_URL, apiId: 'a1b2c3', alarmTopic: undefined }
  return Template.fromStack(new EdgeStack(app, 'Edge', { stage, edge: settings(change), ...api }))
}

const inPrivate = anEdge(PRIVATE)
const inIam = anEdge(IAM)

/** Environment variables of the container by name. */
function environmentOf(template: Template): Record<string, string> {
  const [container] = resourcesOf(template, 'AWS::ECS::TaskDefinition').flatMap(
    ([, { Properties }]) =>
      Properties.ContainerDefinitions as {
        readonly Environment: readonly { readonly Name: string; readonly Value: unknown }[]
      }[],
  )
  return Object.fromEntries(container?.Environment.map(({ Name, Value }) => [Name, spell(Value)]) ?? [])
}

/** Allowed actions and resources of a role. */
function permissionsOf(template: Template, role: string): (readonly [actions: string, resources: string])[] {
  return resourcesOf(template, 'AWS::IAM::Policy')
    .filter(([, { Properties }]) => spell((Properties.Roles as unknown[])[0]).startsWith(`<Edge${role}`))
    .flatMap(([, { Properties }]) => statementsOf(Properties.PolicyDocument))
    .map(({ actions, resources }) => [actions.join(' '), resources.join(' ')] as const)
}

describe('edge stack', () => {
  it('is absent without the setting edge', () => {
    expect(synthesize('production').stacks.edge).toBeUndefined()
    expect(synthesize('local').stacks.edge).toBeUndefined()
  })

  it('calls the API for callers and not that for stagers', () => {
    const { stacks } = synthesize('production', { access: IAM, edge: settings() })

    const template = stacks.edge && Template.fromStack(stacks.edge)
    expect(template && environmentOf(template).API_URL).toMatch(
      /^https:\/\/<RestApi(?!Stager)\w*>\.execute-api\.<AWS::Region>\.amazonaws\.com\/api$/u,
    )
  })

  it.each([PRIVATE, IAM])('complies with all AWS Solutions rules with access $mode', (access) => {
    const app = anApp()
    anEdge(access, {}, app)
    app.synth()

    const { violations } = new EngineRules(app).validateScope(app)

    expect(violations.map(({ ruleName }) => ruleName)).toEqual([])
  })

  it('identifies clients by the header of its load balancer, and gives each a share of the uploads', () => {
    const environment = environmentOf(anEdge(PRIVATE, { memoryMib: 2048, clientSharePercent: 100 }))

    expect(environment).toMatchObject({
      BEHIND_LOAD_BALANCER: 'true',
      CLIENT_SHARE_PERCENT: '100',
      UPLOADS_AT_ONCE: '26',
    })
  })

  it('accepts the host names of its load balancer and of the setting hosts, or any host without this setting', () => {
    const named = environmentOf(anEdge(PRIVATE, { hosts: ['engine.example.org'] }))

    expect(named.HOSTS).toMatch(/^<EdgeLoadBalancer\w+\.DNSName>,engine\.example\.org$/u)
    expect(environmentOf(inPrivate)).not.toHaveProperty('HOSTS')
  })

  it('refuses ambiguous requests and invalid headers at its load balancer', () => {
    inPrivate.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      LoadBalancerAttributes: Match.arrayWith([
        { Key: 'routing.http.drop_invalid_header_fields.enabled', Value: 'true' },
        { Key: 'routing.http.desync_mitigation_mode', Value: 'strictest' },
      ]),
    })
  })

  it('is internal, and accepts connections only from the setting clients', () => {
    inPrivate.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', { Scheme: 'internal' })
    inPrivate.hasResourceProperties('AWS::ECS::Service', {
      NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
    })
    const inline = resourcesOf(inPrivate, 'AWS::EC2::SecurityGroup').flatMap(
      ([, { Properties }]) => (Properties.SecurityGroupIngress ?? []) as readonly Record<string, unknown>[],
    )
    const others = resourcesOf(inPrivate, 'AWS::EC2::SecurityGroupIngress').map(
      ([, { Properties }]) => Properties,
    )
    const sources = [...inline, ...others].map(({ CidrIp, SourceSecurityGroupId, FromPort }) => [
      spell(CidrIp ?? SourceSecurityGroupId).replace(/[0-9A-F]{8}\.GroupId/u, ''),
      FromPort,
    ])
    expect(sources).toEqual([
      ['10.0.0.0/16', 80],
      ['sg-0123456789abcdef0', 80],
      ['<EdgeBalancerSecurityGroup>', 8080],
    ])
  })

  it('connects only to the setting reaches', () => {
    const inline = resourcesOf(inPrivate, 'AWS::EC2::SecurityGroup').flatMap(
      ([, { Properties }]) => (Properties.SecurityGroupEgress ?? []) as readonly Record<string, unknown>[],
    )
    const others = resourcesOf(inPrivate, 'AWS::EC2::SecurityGroupEgress').map(
      ([, { Properties }]) => Properties,
    )
    const targets = [...inline, ...others].map((rule) => [
      spell(rule.CidrIp ?? rule.DestinationPrefixListId ?? rule.DestinationSecurityGroupId).replace(
        /[0-9A-F]{8}\.GroupId/u,
        '',
      ),
      rule.FromPort,
    ])

    expect(targets.sort()).toEqual([
      ['10.0.8.0/24', 443],
      ['<EdgeTaskSecurityGroup>', 8080],
      ['pl-0123456789abcdef0', 443],
    ])
  })

  it('sets only variables that the edge reads', () => {
    const main = readFileSync('edge/main.ts', 'utf8')

    for (const name of Object.keys(environmentOf(inIam))) {
      expect(main).toMatch(new RegExp(`^  ${name}: (?:z\\.|\\w+From\\()`, 'mu'))
    }
  })

  it('has no permissions when the API needs no credentials', () => {
    expect(environmentOf(inPrivate)).toMatchObject({ API_AUTH: 'none' })
    expect(permissionsOf(inPrivate, 'TaskRole')).toEqual([])
  })

  it('may only call its API in mode iam', () => {
    expect(environmentOf(inIam)).toMatchObject({ API_AUTH: 'iam', API_URL })
    expect(permissionsOf(inIam, 'TaskRole')).toEqual([
      ['execute-api:Invoke', 'arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:a1b2c3/*'],
    ])
  })

  it('allows the container agent only to pull the image and write the log', () => {
    const permissions = permissionsOf(inIam, 'ExecutionRole')

    expect(permissions.map(([actions]) => actions)).toEqual([
      'ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer',
      'ecr:GetAuthorizationToken',
      'logs:CreateLogStream logs:PutLogEvents',
    ])
  })

  it('runs as the user of the image, without capabilities and with a read-only root', () => {
    inPrivate.hasResourceProperties('AWS::ECS::TaskDefinition', {
      RuntimePlatform: { CpuArchitecture: 'ARM64' },
      ContainerDefinitions: [
        Match.objectLike({
          ReadonlyRootFilesystem: true,
          LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
          User: Match.absent(),
          Privileged: Match.absent(),
        }),
      ],
    })
  })

  it('drains uploads for an hour, and stops within the time limit of Fargate', () => {
    const { STOP_TIMEOUT_SECONDS } = environmentOf(inPrivate)

    inPrivate.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', {
      TargetGroupAttributes: Match.arrayWith([
        { Key: 'deregistration_delay.timeout_seconds', Value: '3600' },
      ]),
    })
    inPrivate.hasResourceProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: [Match.objectLike({ StopTimeout: 120 })],
    })
    expect(Number(STOP_TIMEOUT_SECONDS)).toBeLessThan(120)
  })

  it('has the maximum idle timeout of a load balancer, and a longer keep-alive', () => {
    const { KEEP_ALIVE_SECONDS } = environmentOf(inPrivate)

    inPrivate.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      LoadBalancerAttributes: Match.arrayWith([{ Key: 'idle_timeout.timeout_seconds', Value: '4000' }]),
    })
    expect(Number(KEEP_ALIVE_SECONDS)).toBeGreaterThan(4000)
  })

  it('checks only its own health, not that of the API', () => {
    inPrivate.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', {
      HealthCheckPath: '/edge/health',
    })
  })

  it('uses TLS if there is a certificate', () => {
    const certificateArn = 'arn:aws:acm:eu-west-1:123456789012:certificate/0a1b'

    const template = anEdge(PRIVATE, { certificateArn })

    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 443,
      Protocol: 'HTTPS',
      Certificates: [{ CertificateArn: certificateArn }],
    })
    const [[, output] = []] = Object.entries(template.toJSON().Outputs as Record<string, { Value: unknown }>)
    expect(spell(output?.Value)).toMatch(/^https:\/\//u)
  })

  it('has a log group with a retention, which is kept when the stack is deleted', () => {
    inPrivate.hasResource('AWS::Logs::LogGroup', {
      DeletionPolicy: 'Retain',
      Properties: { RetentionInDays: 180 },
    })
  })
})
