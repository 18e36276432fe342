import { Match, Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { stageNamed } from '../../lib/stages.ts'
import { resourcesOf, spell, statementsOf, synthesize } from './synthesis.ts'

const { compute } = synthesize('production').stacks
if (compute === undefined) throw new Error('production has a compute stack')
const template = Template.fromStack(compute)

function endpointPolicy(service: string) {
  const found = resourcesOf(template, 'AWS::EC2::VPCEndpoint').find(([, { Properties }]) =>
    spell(Properties.ServiceName).endsWith(`.${service}`),
  )
  return statementsOf(found?.[1].Properties.PolicyDocument ?? { Statement: [] })
}

describe('compute stack', () => {
  it('is absent in the local stage', () => {
    expect(synthesize('local').stacks.compute).toBeUndefined()
  })

  it('has no route out of its network', () => {
    template.resourceCountIs('AWS::EC2::InternetGateway', 0)
    template.resourceCountIs('AWS::EC2::NatGateway', 0)
    template.resourceCountIs('AWS::EC2::Route', 0)
    template.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: false })
  })

  it('lets a job reach only the endpoints and S3, by HTTPS', () => {
    const rules = resourcesOf(template, 'AWS::EC2::SecurityGroupEgress').map(
      ([, { Properties }]) => Properties,
    )

    expect(rules).toHaveLength(2)
    for (const rule of rules) expect(rule).toMatchObject({ IpProtocol: 'tcp', FromPort: 443, ToPort: 443 })
    expect(
      rules.map((rule) => 'DestinationSecurityGroupId' in rule || 'DestinationPrefixListId' in rule),
    ).toEqual([true, true])
  })

  it('has no security group with open egress', () => {
    for (const [id, { Properties }] of resourcesOf(template, 'AWS::EC2::SecurityGroup')) {
      const inline = JSON.stringify(Properties.SecurityGroupEgress ?? [])
      const apart = resourcesOf(template, 'AWS::EC2::SecurityGroupEgress').filter(
        ([, rule]) => spell(rule.Properties.GroupId) === `<${id}.GroupId>`,
      )

      expect(inline).not.toMatch(/0\.0\.0\.0\/0|::\/0/u)
      // A group without any rule would get EC2's default, which allows everything.
      expect(inline !== '[]' || apart.length > 0).toBe(true)
    }
  })

  it('lets only jobs reach the endpoints', () => {
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 1)
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      FromPort: 443,
      ToPort: 443,
      SourceSecurityGroupId: Match.anyValue(),
    })
  })

  it('has the endpoints that Fargate and the stager need', () => {
    const services = resourcesOf(template, 'AWS::EC2::VPCEndpoint').map(([, { Properties }]) =>
      spell(Properties.ServiceName).replace('com.amazonaws.<AWS::Region>.', ''),
    )

    expect(services.sort()).toEqual(['ecr.api', 'ecr.dkr', 'execute-api', 'logs', 's3'])
  })

  it('allows jobs to read inputs and image layers from S3, and to write outputs to it', () => {
    const statements = endpointPolicy('s3').map(({ actions, resources }) => ({ actions, resources }))

    expect(statements).toEqual([
      {
        actions: ['s3:GetObject'],
        resources: [
          'arn:<AWS::Partition>:s3:::prod-<AWS::Region>-starport-layer-bucket/*',
          '<Bucket.Arn>/task-run-inputs-*',
        ],
      },
      { actions: ['s3:PutObject'], resources: ['<Bucket.Arn>/task-run-outputs-*'] },
    ])
  })

  it.each(['ecr.api', 'ecr.dkr', 'logs'])(
    'allows only this account to use the endpoint for %s',
    (service) => {
      const statements = endpointPolicy(service)

      expect(statements.length).toBeGreaterThan(0)
      for (const { condition } of statements) {
        expect(condition).toEqual({ StringEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } } })
      }
    },
  )

  it('allows jobs to call staging routes only', () => {
    expect(endpointPolicy('execute-api').map(({ actions, resources }) => [actions, resources])).toEqual([
      [
        ['execute-api:Invoke'],
        [
          'arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:*/api/*/app-engine/v1/task-runs/*/staging/*',
        ],
      ],
    ])
  })

  it('allows maxVcpus for both spot and on-demand capacity with spot-first', () => {
    const { stacks } = synthesize('production', {
      queues: {
        ...stageNamed('production', {}).queues,
        fargate: { maxVcpus: 8, capacity: 'spot-first' },
      },
    })

    const environments = resourcesOf(
      Template.fromStack(stacks.compute ?? compute),
      'AWS::Batch::ComputeEnvironment',
    )
    expect(environments.map(([, { Properties }]) => Properties.ComputeResources)).toMatchObject([
      { Type: 'FARGATE_SPOT', MaxvCpus: 8 },
      { Type: 'FARGATE', MaxvCpus: 8 },
    ])
  })

  it('runs jobs on Fargate in the isolated subnets', () => {
    template.hasResourceProperties('AWS::Batch::ComputeEnvironment', {
      ComputeResources: { Type: 'FARGATE', MaxvCpus: 256, Subnets: Match.anyValue() },
    })
  })

  it('cancels a job that does not fit on any machine', () => {
    const reasons = [
      'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY',
      'MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE',
      'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT',
    ]

    template.hasResourceProperties('AWS::Batch::JobQueue', {
      JobStateTimeLimitActions: reasons.map((Reason) => ({
        Reason,
        Action: 'CANCEL',
        State: 'RUNNABLE',
        MaxTimeSeconds: 1800,
      })),
    })
  })

  it('has one role for the container agent and none for jobs', () => {
    const roles = resourcesOf(template, 'AWS::IAM::Role').filter(([, { Properties }]) =>
      JSON.stringify(Properties.AssumeRolePolicyDocument).includes('ecs-tasks'),
    )

    expect(roles.map(([id]) => id)).toEqual([expect.stringMatching(/^ExecutionRole/u)])
    template.resourceCountIs('AWS::Batch::JobDefinition', 0)
  })

  it('allows the container agent only to pull images and write logs', () => {
    const policies = resourcesOf(template, 'AWS::IAM::Policy').filter(([id]) =>
      id.startsWith('ExecutionRole'),
    )
    const statements = policies.flatMap(([, { Properties }]) => statementsOf(Properties.PolicyDocument))

    expect(statements.map(({ actions, resources }) => ({ actions, resources }))).toEqual([
      { actions: ['ecr:GetAuthorizationToken'], resources: ['*'] },
      {
        actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
        resources: [
          'arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository/cdk-appengine-container-assets-<AWS::AccountId>-<AWS::Region>',
          'arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository/app-engine/*',
        ],
      },
      { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: ['<JobLogs.Arn>'] },
    ])
  })
})
