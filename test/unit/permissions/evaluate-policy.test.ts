import { describe, expect, it } from 'vitest'
import { isAllowed, readStatement } from '../../permissions/evaluate-policy.ts'

const aStatement = (changes: Readonly<Record<string, unknown>> = {}) =>
  readStatement({ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/runs/*', ...changes })

const READ = { action: 's3:GetObject', resource: 'arn:aws:s3:::b/runs/1/x' }
const LIST = { action: 's3:ListBucket', resource: 'arn:aws:s3:::b' }
const aListStatement = (operator: string) =>
  aStatement({
    Action: 's3:ListBucket',
    Resource: 'arn:aws:s3:::b',
    Condition: { [operator]: { 's3:prefix': ['runs/*', 'uploads/*'] } },
  })
const below = (prefix: string) => ({ ...LIST, context: { 's3:prefix': prefix } })

describe('a policy', () => {
  it('allows what one of its statements allows', () => {
    expect(isAllowed([aStatement({ Action: 's3:PutObject' }), aStatement()], READ)).toBe(true)
  })

  it.each([
    ['another action', { Action: 's3:PutObject' }],
    ['another resource', { Resource: 'arn:aws:s3:::b/uploads/*' }],
    ['a part of the resource', { Resource: 'arn:aws:s3:::b/runs' }],
  ])('does not allow a request by a statement for %s', (_what, changes) => {
    expect(isAllowed([aStatement(changes)], READ)).toBe(false)
  })

  it('denies what one of its statements denies', () => {
    expect(isAllowed([aStatement(), aStatement({ Effect: 'Deny' })], READ)).toBe(false)
  })

  it('matches dots and brackets literally, and any character for a question mark', () => {
    const statement = aStatement({ Resource: 'arn:aws:s3:::b/a.[1]?' })

    expect(isAllowed([statement], { ...READ, resource: 'arn:aws:s3:::b/a.[1]x' })).toBe(true)
    expect(isAllowed([statement], { ...READ, resource: 'arn:aws:s3:::b/ab[1]x' })).toBe(false)
  })

  it('requires one of the values of a condition', () => {
    const statements = [aListStatement('StringLike')]

    expect(isAllowed(statements, below('uploads/1'))).toBe(true)
    expect(isAllowed(statements, below('other/'))).toBe(false)
    expect(isAllowed(statements, LIST)).toBe(false)
  })

  it('allows a request that lacks the key of a condition with IfExists', () => {
    const statements = [aListStatement('StringLikeIfExists')]

    expect(isAllowed(statements, LIST)).toBe(true)
    expect(isAllowed(statements, below('other/'))).toBe(false)
  })

  it.each([
    ['an unsupported element', { NotAction: 's3:GetObject' }],
    ['an unsupported operator', { Condition: { Bool: { 'aws:SecureTransport': 'true' } } }],
    ['an unsupported condition key', { Condition: { StringEquals: { 'aws:PrincipalTag/x': 'y' } } }],
  ])('is refused as unsupported when it has %s', (_what, changes) => {
    expect(() => aStatement(changes)).toThrow('unsupported')
  })
})
