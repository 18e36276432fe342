import { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { buildEngine } from '../../lib/engine.ts'
import { api } from '../../lib/functions/api.ts'
import { EngineRules } from '../../lib/rules.ts'
import { stageOf } from '../../lib/stages.ts'
import { CONSOLE_FOLDER, CONSOLE_MODES } from '../../src/contract/console.ts'
import { pairwise, STAGE_CHOICES } from '../fixtures/stage-choices.ts'
import { anApp, type Resource, resourcesOf, spell, statementsOf } from './synthesis.ts'

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

const MATRIX = pairwise().map(([name, settings]) => ({ name, settings, ...build(settings) }))

describe.each(MATRIX)('the stage $name', ({ settings, app, resources, ofType }) => {
  it('complies with all AWS Solutions rules', () => {
    app.synth()

    const { violations } = new EngineRules(app).validateScope(app)

    expect(violations.map(({ ruleName, violatingResources }) => ({ ruleName, violatingResources }))).toEqual(
      [],
    )
  })

  it('blocks the instance metadata for containers', () => {
    for (const [, { Properties }] of ofType('AWS::EC2::LaunchTemplate')) {
      const data = Properties.LaunchTemplateData as Readonly<Record<string, unknown>>
      expect(data.MetadataOptions).toMatchObject({ HttpTokens: 'required', HttpPutResponseHopLimit: 1 })
      expect(JSON.stringify(data.UserData)).toContain('169.254.169.254/32 --match cgroup')
    }
    const machineQueues =
      Number(settings.queues?.ec2 !== undefined) + Number(settings.queues?.gpu !== undefined)
    expect(ofType('AWS::EC2::LaunchTemplate')).toHaveLength(machineQueues)
  })

  it('terminates an instance that cannot block its metadata', () => {
    for (const [, { Properties }] of ofType('AWS::EC2::LaunchTemplate')) {
      const data = Properties.LaunchTemplateData as Readonly<Record<string, unknown>>
      expect(data.InstanceInitiatedShutdownBehavior).toBe('terminate')
      expect(JSON.stringify(data.UserData)).toContain(
        "trap 'shutdown --poweroff now' ERR\\nset -euo pipefail",
      )
    }
  })

  it('limits the ECS agents to the clusters of Batch', () => {
    const agents = resources
      .flatMap(([, { Type, Properties }]) =>
        ['AWS::IAM::Policy', 'AWS::EC2::VPCEndpoint'].includes(Type) && Properties.PolicyDocument
          ? statementsOf(Properties.PolicyDocument)
          : [],
      )
      .filter(({ actions }) => actions.some((action) => action.startsWith('ecs:')))
      .map(({ actions, resources: on }) => [
        actions.length,
        on.map((one) => one.replace(/^.*:<AWS::AccountId>:/u, '')).join(),
      ])

    const machines = ofType('AWS::EC2::LaunchTemplate').length
    const endpoints = machines > 0 && settings.network?.kind === 'new' ? 3 : 0
    expect(agents.length % 3).toBe(0)
    expect(agents.length / 3).toBeGreaterThanOrEqual(machines + endpoints)
    for (const agent of agents) {
      expect([
        [5, 'cluster/AWSBatch-*'],
        [3, 'container-instance/*'],
        [1, '*'],
      ]).toContainEqual(agent)
    }
  })

  it('gives access to the internet only to the internet queue and the edge', () => {
    const open = ofType('AWS::EC2::SecurityGroup').filter(([, resource]) => isOpen(resource))

    expect(open.every(([id]) => /InternetSecurityGroup|Edge/u.test(id))).toBe(true)
    const routes = ofType('AWS::EC2::Route').map(([id]) => id)
    expect(routes.every((id) => /natSubnet|internetSubnet/u.test(id))).toBe(true)
  })

  it('gives every queue a time limit for jobs that do not fit on any machine', () => {
    const queues = ofType('AWS::Batch::JobQueue')

    expect(queues.length).toBeGreaterThan(0)
    for (const [, { Properties }] of queues) expect(Properties.JobStateTimeLimitActions).not.toHaveLength(0)
  })

  it('encrypts bucket, table and job logs with the key of the settings', () => {
    const isOwn = settings.encryption?.key !== 'aws'
    const [table] = ofType('AWS::DynamoDB::Table')

    expect(table?.[1].Properties.SSESpecification !== undefined).toBe(isOwn)
    expect(ofType('AWS::KMS::Key').some(([id]) => id.startsWith('Key'))).toBe(
      settings.encryption?.key === 'own',
    )
  })

  it('gives the api function the mode of the console, and its files unless the console is off', () => {
    const mode = settings.console ?? 'off'
    const found = ofType('AWS::Lambda::Function').find(([id]) => id.startsWith('ApiFunction'))

    expect(found?.[1].Properties.Environment).toMatchObject({ Variables: { CONSOLE: mode } })
    const folders = api.assets?.(stageOf(settings)).map(({ folder }) => folder)
    expect(folders).toEqual(mode === 'off' ? [] : [CONSOLE_FOLDER])
  })

  it('begins every physical name with its prefix', () => {
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
  const idsOf = ({ stacks }: (typeof MATRIX)[number]): string[] =>
    Object.entries(stacks).flatMap(([stack, of]) =>
      resourcesOf(Template.fromStack(of))
        .filter(([, { Type }]) => STATEFUL.includes(Type))
        .map(([id, { Type }]) => `${stack} ${Type} ${id}`),
    )

  it('keep their logical ids, whatever the settings', () => {
    expect([...new Set(MATRIX.flatMap(idsOf))].sort()).toMatchSnapshot()
  })

  it('include the bucket and the table in every stage', () => {
    for (const one of MATRIX) {
      expect(idsOf(one)).toEqual(
        expect.arrayContaining([
          'storage AWS::S3::Bucket Bucket83908E77',
          'storage AWS::DynamoDB::Table TableCD117FA1',
        ]),
      )
    }
  })
})

describe('the matrix', () => {
  it.each(
    Object.entries(STAGE_CHOICES).flatMap(([setting, choices]) =>
      Object.keys(choices).map((choice) => ({ setting, choice })),
    ),
  )('has a stage with $setting: $choice', ({ choice }) => {
    expect(MATRIX.some(({ name }) => name.split(' · ').includes(choice))).toBe(true)
  })

  it.each(CONSOLE_MODES)('has a stage with private access and the console setting %s', (mode) => {
    const modes = MATRIX.filter(({ settings }) => settings.access?.mode === 'private').map(
      ({ settings }) => settings.console,
    )

    expect(modes).toContain(mode)
  })
})

describe('two stages in one account', () => {
  const first = build({ name: 'x', prefix: 'first-engine' }).resources
  const second = build({ name: 'x', prefix: 'second-engine' }).resources

  it('have no physical name in common', () => {
    const namesOf = (resources: typeof first) =>
      resources.flatMap(([, { Properties = {} }]) =>
        PHYSICAL_NAMES.flatMap((key) => (Properties[key] === undefined ? [] : [spell(Properties[key])])),
      )
    const others = new Set(namesOf(second))

    expect(namesOf(first).filter((name) => others.has(name) && !name.startsWith('<'))).toEqual([])
  })

  it('have no event pattern in common', () => {
    const patternsOf = (resources: typeof first) =>
      resources.flatMap(([, { Properties = {} }]) =>
        Properties.EventPattern === undefined ? [] : [JSON.stringify(Properties.EventPattern)],
      )
    const others = new Set(patternsOf(second))

    expect(others.size).toBe(3)
    expect(patternsOf(first).filter((pattern) => others.has(pattern))).toEqual([])
  })
})
