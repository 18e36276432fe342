import { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { EngineRules } from '../../lib/rules.ts'
import { resourcesOf, statementsOf, synthesize } from './synthesis.ts'

const KEY = 'arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f'
/**
 * Maximum number of characters of all inline policies of a role together.
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

/** Statements about S3 buckets that the stacks do not create, and about the keys that encrypt their objects. */
function statementsAboutInputs(settings: ReturnType<typeof policiesOf>) {
  return settings.policies
    .flatMap(([name, document]) => statementsOf(document).map((statement) => ({ name, ...statement })))
    .filter(({ resources }) =>
      resources.some((text) => text.includes(':s3:::') || text.startsWith('arn:aws:kms')),
    )
}

describe('input buckets of the settings', () => {
  it('can be read only while they belong to this account', () => {
    const statements = statementsAboutInputs(policiesOf(['slides', 'scans']))

    const ofThisAccount = {
      name: expect.stringMatching(/^WorkOnRunSetRole/u),
      condition: { StringEquals: { 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } } },
    }
    const arnsOf = (...names: string[]) => names.map((name) => `arn:<AWS::Partition>:s3:::${name}`)
    expect(statements).toHaveLength(2)
    expect(statements).toMatchObject([
      { ...ofThisAccount, actions: ['s3:GetObject'], resources: arnsOf('scans/*', 'slides/*') },
      { ...ofThisAccount, actions: ['s3:ListBucket'], resources: arnsOf('scans', 'slides') },
    ])
  })

  it('have keys that may be used only by S3, to decrypt their objects', () => {
    const [, , decrypt, ...others] = statementsAboutInputs(policiesOf(['slides'], [KEY]))

    expect(others).toEqual([])
    expect(decrypt).toMatchObject({ actions: ['kms:Decrypt'], resources: [KEY] })
    expect(Object.keys(decrypt?.condition as object)).toEqual(['StringEquals', 'StringLike'])
    expect(JSON.stringify(decrypt?.condition)).toMatch(/kms:ViaService.*"s3\."/u)
    expect(JSON.stringify(decrypt?.condition)).toMatch(/kms:EncryptionContext:aws:s3:arn.*:s3:::slides\/\*/u)
  })

  it('add no permission to any role when the list is empty', () => {
    expect(statementsAboutInputs(policiesOf([]))).toEqual([])
  })

  it('comply with all AWS Solutions rules, and fit into the policy of a role', () => {
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
