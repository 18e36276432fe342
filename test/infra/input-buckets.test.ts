import { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { EngineRules } from '../../lib/rules.ts'
import { resourcesOf, statementsOf, synthesize } from './synthesis.ts'

const KEY = 'arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f'
/**
 * Maximum number of characters of all inline policies of a role.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const MAX_INLINE_POLICY = 10_240

function policiesOf(inputBuckets: string[], inputBucketKeys: string[] = []) {
  const { app, stacks } = synthesize('production', { inputBuckets, inputBucketKeys })
  const policies = resourcesOf(Template.fromStack(stacks.service), 'AWS::IAM::Policy')
  return {
    app,
    policies: policies.map(([name, { Properties }]) => [name, Properties.PolicyDocument] as const),
  }
}

/** Statements about S3 buckets that the stacks do not create, and about the keys of their objects. */
function statementsAboutInputs(settings: ReturnType<typeof policiesOf>) {
  return settings.policies
    .flatMap(([name, document]) => statementsOf(document).map((statement) => ({ name, ...statement })))
    .filter(({ resources }) =>
      resources.some((text) => text.includes(':s3:::') || text.startsWith('arn:aws:kms')),
    )
}

describe('input buckets of the settings', () => {
  it('are read only while they belong to this account', () => {
    const statements = statementsAboutInputs(policiesOf(['slides', 'scans']))

    expect(statements).toHaveLength(1)
    expect(statements[0]).toMatchObject({
      name: expect.stringMatching(/^WorkOnRunSetRole/u),
      actions: ['s3:GetObject', 's3:ListBucket'],
      resources: ['scans', 'scans/*', 'slides', 'slides/*'].map(
        (name) => `arn:<AWS::Partition>:s3:::${name}`,
      ),
      condition: { StringEquals: { 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } } },
    })
  })

  it('have keys that decrypt their objects, through S3 only', () => {
    const [, decrypt, ...others] = statementsAboutInputs(policiesOf(['slides'], [KEY]))

    expect(others).toEqual([])
    expect(decrypt).toMatchObject({ actions: ['kms:Decrypt'], resources: [KEY] })
    expect(Object.keys(decrypt?.condition as object)).toEqual(['StringEquals', 'StringLike'])
    expect(JSON.stringify(decrypt?.condition)).toMatch(/kms:ViaService.*"s3\."/u)
    expect(JSON.stringify(decrypt?.condition)).toMatch(/kms:EncryptionContext:aws:s3:arn.*:s3:::slides\/\*/u)
  })

  it('need no permission if there are none', () => {
    expect(statementsAboutInputs(policiesOf([]))).toEqual([])
  })

  it('break no AWS Solutions rule, and fit into the policy of a role', () => {
    const buckets = Array.from({ length: 10 }, (_, index) => `${'b'.repeat(62)}${index}`)
    const { app, policies } = policiesOf(
      buckets,
      Array.from({ length: 10 }, (_, index) => `${KEY.slice(0, -1)}${index}`),
    )

    const { violations } = new EngineRules(app).validateScope(app)

    expect(violations.map(({ ruleName }) => ruleName)).toEqual([])
    const [[, document] = []] = policies.filter(([name]) => name.startsWith('WorkOnRunSetRole'))
    expect(JSON.stringify(document).length).toBeLessThan(MAX_INLINE_POLICY)
  })
})
