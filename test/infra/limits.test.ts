import { describe, expect, it } from 'vitest'
import { STAGE_NAMES } from '../../lib/stages.ts'
import { STAGER_VARIABLES } from '../../src/contract/staging.ts'
import { describeJob, describeOverrides, jobNameOf } from '../../src/run/job/job-definition.ts'
import { placeJob } from '../../src/run/job/job-size.ts'
import { isMountable } from '../../src/task/descriptor/folders.ts'
import { aTask } from '../fixtures/builders.ts'
import {
  createReferenceResolver,
  type SynthesizedTemplate,
  type TemplateResource,
} from '../templates/resolve-references.ts'
import { synthesize } from './synthesis.ts'

/** Limits of AWS, with links to their documentation. */
const LIMITS = {
  // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
  // The limit of 51 200 bytes for templates in requests does not apply, because the CDK uploads templates to its bucket.
  template: { resources: 500, parameters: 200, outputs: 200, bytes: 1024 * 1024 },
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html White space does not count.
  policies: { inlineOfRole: 10_240, managed: 6144, trust: 2048 },
  // https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
  lambdaEnvironmentBytes: 4096,
  // https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
  stateMachineBytes: 1024 * 1024,
  // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
  eventPatternCharacters: 2048,
  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
  dashboardWidgets: 500,
  // https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
  jobDefinitionBytes: 24 * 1024,
  submitJobBytes: 30 * 1024,
  // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html
  overrideCharacters: 8192,
} as const

/** A resource with names instead of references. */
interface ResolvedResource {
  readonly type: string
  readonly properties: Readonly<Record<string, unknown>>
}

/** Stands for the suffix that CloudFormation adds to names. */
const SUFFIX = '-XXXXXXXXXXXXX'

/** Replaces references by names as long as those on AWS. */
function resolved(templates: readonly SynthesizedTemplate[]): ReadonlyMap<string, ResolvedResource> {
  const everything = templates.flatMap((template) => {
    const ids = Object.keys(template.Resources)
    const names = new Map(ids.map((id) => [id, `app-engine-service-${id}${SUFFIX}`]))
    const { resolve } = createReferenceResolver(template, templates, names)
    return Object.entries(template.Resources).map(
      ([id, { Type, Properties }]: [string, TemplateResource]) => {
        const properties = resolve(Properties ?? {}) as ResolvedResource['properties']
        return [id, { type: Type, properties }] as const
      },
    )
  })
  return new Map(everything)
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))
/** Number of characters of a policy that IAM counts: all except white space. */
const policySize = (document: unknown): number => JSON.stringify(document).replaceAll(/\s/gu, '').length

describe.each(STAGE_NAMES)('stage %s', (stage) => {
  const templates = synthesize(stage).templates.map((template) => template.toJSON() as SynthesizedTemplate)
  const resources = resolved(templates)
  const ofType = (type: string) => [...resources].filter(([, resource]) => resource.type === type)

  it('has templates within the limits of CloudFormation', () => {
    for (const template of templates) {
      const {
        Parameters = {},
        Outputs = {},
        Resources,
      } = template as SynthesizedTemplate & {
        readonly Parameters?: Readonly<Record<string, unknown>>
      }
      expect(Object.keys(Resources).length).toBeLessThanOrEqual(LIMITS.template.resources)
      expect(Object.keys(Parameters).length).toBeLessThanOrEqual(LIMITS.template.parameters)
      expect(Object.keys(Outputs).length).toBeLessThanOrEqual(LIMITS.template.outputs)
      expect(sizeOf(template)).toBeLessThanOrEqual(LIMITS.template.bytes)
    }
  })

  it('has policies within the limits of IAM', () => {
    const sizes = new Map<string, number>()
    const add = (role: string, document: unknown) =>
      sizes.set(role, (sizes.get(role) ?? 0) + policySize(document))
    for (const [, { properties }] of ofType('AWS::IAM::Policy')) {
      for (const role of properties.Roles as readonly string[]) add(role, properties.PolicyDocument)
    }
    for (const [id, { properties }] of ofType('AWS::IAM::Role')) {
      const inline = (properties.Policies ?? []) as readonly { readonly PolicyDocument: unknown }[]
      for (const { PolicyDocument } of inline) add(id, PolicyDocument)
      expect(policySize(properties.AssumeRolePolicyDocument), id).toBeLessThanOrEqual(LIMITS.policies.trust)
    }

    expect(sizes.size).toBeGreaterThan(5)
    for (const [role, size] of sizes) expect(size, role).toBeLessThanOrEqual(LIMITS.policies.inlineOfRole)
    for (const [id, { properties }] of ofType('AWS::IAM::ManagedPolicy')) {
      expect(policySize(properties.PolicyDocument), id).toBeLessThanOrEqual(LIMITS.policies.managed)
    }
  })

  it('has environment variables within the limit of Lambda', () => {
    const functions = ofType('AWS::Lambda::Function')

    expect(functions.length).toBeGreaterThan(0)
    for (const [id, { properties }] of functions) {
      const { Variables = {} } = (properties.Environment ?? {}) as { readonly Variables?: unknown }
      expect(sizeOf(Variables), id).toBeLessThanOrEqual(LIMITS.lambdaEnvironmentBytes)
    }
  })

  it('has a workflow, rules and dashboards within the limits of AWS', () => {
    for (const [id, { properties }] of ofType('AWS::StepFunctions::StateMachine')) {
      expect(sizeOf(properties.DefinitionString), id).toBeLessThanOrEqual(LIMITS.stateMachineBytes)
    }
    for (const [id, { properties }] of ofType('AWS::Events::Rule')) {
      const pattern = JSON.stringify(properties.EventPattern ?? {})
      expect(pattern.length, id).toBeLessThanOrEqual(LIMITS.eventPatternCharacters)
    }
    for (const [id, { properties }] of ofType('AWS::CloudWatch::Dashboard')) {
      const { widgets }: { readonly widgets: readonly unknown[] } = JSON.parse(
        String(properties.DashboardBody),
      )
      expect(widgets.length, id).toBeLessThanOrEqual(LIMITS.dashboardWidgets)
    }
  })
})

describe('the job of the largest descriptor', () => {
  /** Longest folder name of a descriptor: 1024 UTF-16 units, most of which have three bytes. */
  const folder = (letter: string) => `/${letter}${'中'.repeat(1022)}`
  const task = aTask({
    namespace: `${'n'.repeat(127)}.${'a'.repeat(127)}`,
    version: `1.0.0-${'v'.repeat(249)}`,
    inputFolder: folder('i'),
    outputFolder: folder('o'),
  })
  const size = placeJob(
    { ramBytes: String(64 * 1024 ** 3), cpus: 12, gpus: 0, internet: false },
    { unpackedBytes: 10 * 1024 ** 3, packedBytes: 3 * 1024 ** 3 },
    { fargate: { arn: 'q' } },
  )
  const registry = '123456789012.dkr.ecr.ap-southeast-1.amazonaws.com'
  // The repository has the longest name that ECR accepts.
  const image = `${registry}/${'r'.repeat(256)}@sha256:${'0'.repeat(64)}`

  it('has folders with the longest names that are accepted', () => {
    expect(isMountable(task.inputFolder)).toBe(true)
    expect(isMountable(`${task.inputFolder}x`)).toBe(false)
  })

  it('has a definition within the limit of Batch', () => {
    if ('unschedulable' in size) throw new Error(size.unschedulable)

    const definition = describeJob(task, image, size, {
      definitionPrefix: 'p'.repeat(40),
      // As many bytes as the service stack accepts.
      tags: Object.fromEntries(
        Array.from({ length: 20 }, (_, index) => [`tag-${index}`.padEnd(40, 'k'), 'v'.repeat(56)]),
      ),
      stagerImage: image,
      executionRoleArn: `arn:aws:iam::123456789012:role/${'e'.repeat(64)}`,
      // The longest name that CloudWatch accepts.
      logGroupName: 'l'.repeat(512),
      region: 'ap-southeast-1',
      attemptTimeoutSeconds: 86_400,
    })

    expect(sizeOf(definition)).toBeGreaterThan(10_000)
    expect(sizeOf(definition)).toBeLessThanOrEqual(LIMITS.jobDefinitionBytes)
  })

  it('is submitted within the limits of Batch and ECS', () => {
    const runId = '00000000-0000-4000-8000-000000000000'
    const overrides = describeOverrides({
      [STAGER_VARIABLES.apiUrl]: `https://${'x'.repeat(10)}.execute-api.ap-southeast-1.amazonaws.com/api/app-engine/v1/`,
      [STAGER_VARIABLES.runId]: runId,
      [STAGER_VARIABLES.runSecret]: 's'.repeat(64),
    })

    const request = {
      jobName: jobNameOf(runId, 1000),
      jobQueue: `arn:aws:batch:ap-southeast-1:123456789012:job-queue/${'q'.repeat(128)}`,
      jobDefinition: `arn:aws:batch:ap-southeast-1:123456789012:job-definition/${'d'.repeat(128)}:1000`,
      ecsPropertiesOverride: overrides,
      tags: { 'app-engine:run': runId },
    }

    expect(JSON.stringify(overrides).length).toBeLessThanOrEqual(LIMITS.overrideCharacters)
    expect(sizeOf(request)).toBeLessThanOrEqual(LIMITS.submitJobBytes)
  })
})
