import { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { buildEngine } from '../../lib/engine.ts'
import { EngineRules } from '../../lib/rules.ts'
import { stageOf } from '../../lib/settings.ts'
import { pairwise } from '../fixtures/stage-choices.ts'
import { anApp, type Resource, resourcesOf, spell } from './synthesis.ts'

const STATEFUL = [
  'AWS::CertificateManager::Certificate',
  'AWS::DynamoDB::Table',
  'AWS::KMS::Key',
  'AWS::Logs::LogGroup',
  'AWS::S3::Bucket',
]

function build(settings: unknown) {
  const app = anApp()
  const stacks = buildEngine(app, stageOf(settings))
  const templates = Object.values(stacks).map((stack) => Template.fromStack(stack))
  const resources = templates.flatMap((template) => resourcesOf(template))
  return {
    app,
    stacks,
    resources,
    ofType: (type: string) => resources.filter(([, { Type }]) => Type === type),
  }
}

describe.each(pairwise())('the stage %s', (_, settings) => {
  const { app, resources, ofType } = build(settings)

  it('breaks no AWS Solutions rule', () => {
    app.synth()

    const { violations } = new EngineRules(app).validateScope(app)

    expect(violations.map(({ ruleName, violatingResources }) => ({ ruleName, violatingResources }))).toEqual(
      [],
    )
  })

  it('closes the metadata of its machines to containers', () => {
    for (const [, { Properties }] of ofType('AWS::EC2::LaunchTemplate')) {
      const data = Properties.LaunchTemplateData as Readonly<Record<string, unknown>>
      expect(data.MetadataOptions).toMatchObject({ HttpTokens: 'required', HttpPutResponseHopLimit: 1 })
      expect(JSON.stringify(data.UserData)).toContain('169.254.169.254/32 --match cgroup')
    }
    const machineQueues =
      Number(settings.queues?.ec2 !== undefined) + Number(settings.queues?.gpu !== undefined)
    expect(ofType('AWS::EC2::LaunchTemplate')).toHaveLength(machineQueues)
  })

  it('lets no job out but in the internet queue', () => {
    const open = ofType('AWS::EC2::SecurityGroup').filter(([, resource]) => isOpen(resource))

    expect(open.every(([id]) => /InternetSecurityGroup|Edge/u.test(id))).toBe(true)
    const routes = ofType('AWS::EC2::Route').map(([id]) => id)
    expect(routes.every((id) => /natSubnet|internetSubnet/u.test(id))).toBe(true)
  })

  it('gives every queue a limit for jobs that nothing can run', () => {
    const queues = ofType('AWS::Batch::JobQueue')

    expect(queues.length).toBeGreaterThan(0)
    for (const [, { Properties }] of queues) expect(Properties.JobStateTimeLimitActions).not.toHaveLength(0)
  })

  it('encrypts bucket, table and logs of tasks as it says', () => {
    const isOwn = settings.encryption?.key !== 'aws'
    const [table] = ofType('AWS::DynamoDB::Table')

    expect(table?.[1].Properties.SSESpecification !== undefined).toBe(isOwn)
    expect(ofType('AWS::KMS::Key').some(([id]) => id.startsWith('Key'))).toBe(
      settings.encryption?.key === 'own',
    )
  })

  it('names nothing without its prefix', () => {
    const names = resources.flatMap(([, { Type, Properties = {} }]) =>
      PHYSICAL_NAMES.filter((key) => typeof Properties[key] === 'string' && !Type.includes('Lambda')).map(
        (key) => String(Properties[key]),
      ),
    )

    expect(names.filter((name) => !name.startsWith('matrix-engine'))).toEqual([])
  })
})

const PHYSICAL_NAMES = [
  'BucketName',
  'ComputeEnvironmentName',
  'DashboardName',
  'FunctionName',
  'GroupName',
  'JobQueueName',
  'LogGroupName',
  'QueueName',
  'RoleName',
  'StateMachineName',
  'TableName',
  'TopicName',
]

function isOpen({ Properties }: Resource): boolean {
  const rules = (Properties.SecurityGroupEgress ?? []) as readonly { readonly CidrIp?: unknown }[]
  return rules.some(({ CidrIp }) => CidrIp === '0.0.0.0/0')
}

describe('resources with state', () => {
  it('have the same ids whatever a stage chooses, and those that they always had', () => {
    const ids = pairwise().flatMap(([, settings]) =>
      Object.entries(build(settings).stacks).flatMap(([stack, of]) =>
        resourcesOf(Template.fromStack(of))
          .filter(([, { Type }]) => STATEFUL.includes(Type))
          .map(([id, { Type }]) => `${stack} ${Type} ${id}`),
      ),
    )

    expect([...new Set(ids)].sort()).toMatchSnapshot()
  })

  it('are the bucket, the table and the log that every stage has', () => {
    for (const [, settings] of pairwise()) {
      const { storage } = build(settings).stacks
      const found = resourcesOf(Template.fromStack(storage)).map(([id]) => id)
      expect(found).toEqual(expect.arrayContaining(['Bucket83908E77', 'TableCD117FA1']))
    }
  })
})

describe('two stages in one account', () => {
  it('have no name in common', () => {
    const namesOf = (prefix: string) =>
      build({ name: 'x', prefix }).resources.flatMap(([, { Properties = {} }]) =>
        PHYSICAL_NAMES.flatMap((key) => (Properties[key] === undefined ? [] : [spell(Properties[key])])),
      )
    const second = new Set(namesOf('second-engine'))

    expect(namesOf('first-engine').filter((name) => second.has(name) && !name.startsWith('<'))).toEqual([])
  })
})
