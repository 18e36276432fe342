import { Stack } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { describe, expect, it } from 'vitest'
import { allow } from '../../lib/constructs/permissions.ts'
import { EngineRules } from '../../lib/rules.ts'
import { STAGE_NAMES } from '../../lib/stages.ts'
import { anApp, synthesize } from './synthesis.ts'

describe('AWS Solutions rules', () => {
  it.each(STAGE_NAMES)('report no violation in the stage %s', (name) => {
    const { app } = synthesize(name)
    app.synth()

    const { violations } = new EngineRules(app).validateScope(app)

    expect(violations.map(({ ruleName, violatingResources }) => ({ ruleName, violatingResources }))).toEqual(
      [],
    )
  })

  it('report a wildcard without a reason', () => {
    const app = anApp()
    const role = new Role(new Stack(app, 'Test'), 'Role', {
      assumedBy: new ServicePrincipal('x.amazonaws.com'),
    })
    allow(role, { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::a/*'], because: 'known' })
    role.addToPolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::b/*'] }))
    app.synth()

    const { violations } = new EngineRules(app).validateScope(app)

    expect(violations.map(({ ruleName }) => ruleName)).toEqual([
      'AwsSolutions-IAM5[Resource::arn:aws:s3:::b/*]',
    ])
  })
})
