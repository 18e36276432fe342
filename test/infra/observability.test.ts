import { readFileSync } from 'node:fs'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { COUNTS, MEASURES, METRICS_NAMESPACE } from '../../src/contract/metrics.ts'
import { resourcesOf, spell, statementsOf, synthesize } from './synthesis.ts'

const service = Template.fromStack(synthesize('production', { alarmEmail: 'ops@example.org' }).stacks.service)
const alarmsOf = (template: Template) =>
  resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id, { Properties }]) => [id, Properties] as const)
const alarms = alarmsOf(service)
const SUBNETS = { 'eu-west-1a': 'subnet-0123456789abcdef0', 'eu-west-1b': 'subnet-0123456789abcdef1' }
const { edge } = synthesize('production', {
  access: { mode: 'iam' },
  edge: {
    vpc: { id: 'vpc-0123456789abcdef0', subnets: SUBNETS },
    clients: ['10.0.0.0/16'],
    reaches: ['0.0.0.0/0'],
    desiredCount: 2,
    cpu: 512,
    memoryMib: 1024,
    clientSharePercent: 50,
  },
}).stacks
if (edge === undefined) throw new Error('the stage has no edge stack')
const edgeAlarms = alarmsOf(Template.fromStack(edge))
const allAlarms = [...alarms, ...edgeAlarms]
const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8')

/** Anchors of the sections in the runbook's chapter of alarms. */
const sections = (runbook.split(/^## Alarms$/mu)[1] ?? '')
  .split(/^## /mu, 1)
  .flatMap((chapter) => [...chapter.matchAll(/^### (.+)$/gmu)])
  .map(([, heading = '']) => heading.toLowerCase().replaceAll(' ', '-'))

const sectionOf = (properties: Record<string, unknown>): string | undefined =>
  / docs\/runbook\.md#([a-z-]+)$/u.exec(String(properties.AlarmDescription))?.[1]

/** Names of our metrics in a template, at any depth. */
function* metricsIn(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return
  const { Namespace, MetricName } = value as { readonly Namespace?: unknown; readonly MetricName?: unknown }
  if (Namespace === METRICS_NAMESPACE && typeof MetricName === 'string') yield MetricName
  for (const inner of Object.values(value)) yield* metricsIn(inner)
}

describe('alarms', () => {
  it('name the first thing to do and a section of the runbook', () => {
    expect(alarms.length).toBeGreaterThan(11)
    for (const [id, properties] of allAlarms) {
      expect(properties.AlarmDescription, id).toMatch(/^[A-Z][^#\n]{30,160}\. docs\/runbook\.md#[a-z-]+$/u)
      expect(sections, id).toContain(sectionOf(properties))
    }
  })

  it('cover every section of the runbook', () => {
    expect(new Set(allAlarms.map(([, properties]) => sectionOf(properties)))).toEqual(new Set(sections))
  })

  it('notify the topic when they start and when they end', () => {
    for (const [id, { AlarmActions, OKActions }] of allAlarms) {
      expect([AlarmActions, OKActions].flat().map(spell), id).toEqual([
        expect.stringContaining('AlarmTopic'),
        expect.stringContaining('AlarmTopic'),
      ])
    }
  })

  it('start when three runs in 15 minutes lack a machine, their image or files', () => {
    const [, hindered] = alarms.find(([id]) => id.includes('RunsHindered')) ?? []
    const kinds = [...JSON.stringify(hindered?.Metrics).matchAll(/"kind","Value":"([a-z-]+)"/gu)]

    expect(hindered).toMatchObject({ Threshold: 3, EvaluationPeriods: 1 })
    expect(JSON.stringify(hindered?.Metrics)).toContain('"Period":900')
    expect(kinds.map(([, kind]) => kind)).toEqual([
      'host-lost',
      'image-unavailable',
      'input-staging-failed',
      'output-staging-failed',
      'unschedulable',
    ])
  })

  it('have at most ten metrics, the limit of CloudWatch', () => {
    for (const [id, { Metrics = [] }] of allAlarms) {
      expect((Metrics as readonly object[]).filter((one) => 'MetricStat' in one).length, id).toBeLessThan(11)
    }
  })

  it('cover the throttling of every operation on the table', () => {
    const [, throttles] = alarms.find(([id]) => id.includes('TableThrottles')) ?? []

    expect(JSON.stringify(throttles?.Metrics)).toMatch(/"SUM\(\[m0, .+, m7\]\)"/u)
    expect(JSON.stringify(throttles?.Metrics)).toContain('"ThrottledRequests"')
  })

  it('cover an edge that does not answer, and one that answers with errors', () => {
    expect(edgeAlarms.map(([, { MetricName, Metrics }]) => MetricName ?? JSON.stringify(Metrics))).toEqual([
      'UnHealthyHostCount',
      expect.stringMatching(/HTTPCode_ELB_5XX_Count.*HTTPCode_Target_5XX_Count/u),
    ])
  })

  it('watch every dead-letter queue', () => {
    const watched = alarms
      .filter(([, { MetricName }]) => MetricName === 'ApproximateNumberOfMessagesVisible')
      .flatMap(([, { Dimensions }]) =>
        (Dimensions as readonly { readonly Value: unknown }[]).map((one) => spell(one.Value)),
      )

    const queues = resourcesOf(service, 'AWS::SQS::Queue')
      // A queue with a RedrivePolicy is not a dead-letter queue: it has one.
      .filter(([, { Properties }]) => Properties.RedrivePolicy === undefined)
      .map(([id]) => `<${id}.QueueName>`)
    expect(watched.sort()).toEqual(queues.sort())
  })

  it('treat missing data as normal, except that of the sweeper', () => {
    const silent = alarms.filter(([, { TreatMissingData }]) => TreatMissingData !== 'notBreaching')

    expect(silent.map(([, properties]) => [sectionOf(properties), properties.TreatMissingData])).toEqual([
      ['sweeper-silent', 'breaching'],
    ])
  })

  it('use metrics that the contract defines, with the dimension of this installation', () => {
    const names = [...metricsIn(service.toJSON())]

    expect(names.length).toBeGreaterThan(3)
    expect(METRICS_NAMESPACE).toBe('CytomineAppEngine')
    for (const name of names) expect([...Object.keys(COUNTS), ...Object.keys(MEASURES)]).toContain(name)
    service.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'RunsEnded',
      Dimensions: Match.arrayWith([
        { Name: 'kind', Value: 'engine-error' },
        { Name: 'service', Value: 'app-engine' },
      ]),
    })
  })
})

describe('the topic of alarms', () => {
  it('has a subscription only if the setting alarmEmail is given', () => {
    const without = Template.fromStack(synthesize('production', {}).stacks.service)

    service.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: 'ops@example.org',
    })
    without.resourceCountIs('AWS::SNS::Subscription', 0)
    without.resourceCountIs('AWS::SNS::Topic', 1)
  })

  it('is encrypted with a key that alarms may use', () => {
    service.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() })
    service.hasResourceProperties('AWS::KMS::Key', {
      EnableKeyRotation: true,
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          }),
        ]),
      },
    })
  })

  it('accepts only messages from alarms of this account', () => {
    const policies = resourcesOf(service, 'AWS::SNS::TopicPolicy')
    const allowed = policies
      .flatMap(([, { Properties }]) => statementsOf(Properties.PolicyDocument))
      .filter(({ effect }) => effect === 'Allow')

    expect(allowed).toMatchObject([
      {
        actions: ['sns:Publish'],
        condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      },
    ])
  })
})

describe('the dashboard', () => {
  it('shows every metric of the contract', () => {
    const [dashboard] = resourcesOf(service, 'AWS::CloudWatch::Dashboard')
    const body = spell(dashboard?.[1].Properties.DashboardBody)

    for (const name of [...Object.keys(COUNTS), ...Object.keys(MEASURES)]) expect(body).toContain(`"${name}"`)
    for (const kind of Object.values(COUNTS).flat()) expect(body).toContain(`"${kind}"`)
  })
})

describe('the local stage', () => {
  it('has neither alarms nor a dashboard', () => {
    const local = Template.fromStack(synthesize('local').stacks.service)

    local.resourceCountIs('AWS::CloudWatch::Alarm', 0)
    local.resourceCountIs('AWS::CloudWatch::Dashboard', 0)
  })
})
