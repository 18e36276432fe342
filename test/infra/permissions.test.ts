import { Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { describe, expect, it } from 'vitest'
import { idOf } from '../../lib/constructs/function.ts'
import { allow, type Permission, wildcardReasons } from '../../lib/constructs/permissions.ts'
import { FUNCTIONS } from '../../lib/functions/index.ts'
import { anApp, resourcesOf, statementsOf, synthesize } from './synthesis.ts'

const service = Template.fromStack(synthesize('production').stacks.service)

/** Allowed actions of a function, by resource and condition. */
function permissionsOf(id: string): Record<string, string> {
  const policies = resourcesOf(service, 'AWS::IAM::Policy').filter(([name]) => name.startsWith(`${id}Role`))
  const statements = policies.flatMap(([, { Properties }]) => statementsOf(Properties.PolicyDocument))
  return Object.fromEntries(
    statements.map(({ actions, resources, condition }) => {
      const short = resources.map((resource) =>
        resource
          .replace(/^arn:<AWS::Partition>:\w+:<AWS::Region>:<AWS::AccountId>:/u, '')
          .replaceAll(/[0-9A-F]{8}(?=\.Arn>)/gu, ''),
      )
      const suffix = condition === undefined ? '' : ` if ${JSON.stringify(condition)}`
      return [short.join(' ') + suffix, actions.join(' ')]
    }),
  )
}

describe('permissions of functions', () => {
  // Changes of this snapshot must be reviewed: they change what an attacker who controls the function can do.
  it.each(FUNCTIONS)('are exactly these for $name', (definition) => {
    expect(permissionsOf(idOf(definition))).toMatchSnapshot()
  })
})

describe('a permission', () => {
  const aRole = () =>
    new Role(new Stack(anApp(), 'Test'), 'Role', { assumedBy: new ServicePrincipal('x.amazonaws.com') })
  const permission: Permission = { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::bucket/key'] }

  it('must not have a wildcard in its actions', () => {
    expect(() => allow(aRole(), { ...permission, actions: ['s3:Get*'] })).toThrow(/^Test\/Role: .*s3:Get\*/u)
  })

  it('needs a reason for a wildcard in a resource', () => {
    expect(() => allow(aRole(), { ...permission, resources: ['arn:aws:s3:::bucket/*'] })).toThrow(
      /^Test\/Role: s3:GetObject on arn:aws:s3:::bucket\/\*/u,
    )
  })

  it('passes its reason on to the report', () => {
    const role = aRole()

    allow(role, { ...permission, resources: ['arn:aws:s3:::bucket/*'], because: 'it is so' })

    expect(wildcardReasons(role.node.root)).toEqual([
      { construct: role, resource: 'arn:aws:s3:::bucket/*', reason: 'it is so' },
    ])
  })
})
