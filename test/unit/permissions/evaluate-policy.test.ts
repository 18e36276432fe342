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
    ['the pattern as a part', { Resource: 'arn:aws:s3:::b/runs' }],
  ])('does not allow a request with a statement for %s', (_what, changes) => {
    expect(isAllowed([aStatement(changes)], READ)).toBe(false)
  })

  it('denies what a statement denies', () => {
    expect(isAllowed([aStatement(), aStatement({ Effect: 'Deny' })], READ)).toBe(false)
  })

  it('treats dots and brackets literally, and a question mark as one character', () => {
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

  it('allows a request without the key for a condition with IfExists', () => {
    const statements = [aListStatement('StringLikeIfExists')]

    expect(isAllowed(statements, LIST)).toBe(true)
    expect(isAllowed(statements, below('other/'))).toBe(false)
  })

  it.each([
    ['an element', { NotAction: 's3:GetObject' }],
    ['an operator', { Condition: { Bool: { 'aws:SecureTransport': 'true' } } }],
    ['a key', { Condition: { StringEquals: { 'aws:PrincipalTag/x': 'y' } } }],
  ])('is rejected as unsupported when it has %s', (_what, changes) => {
    expect(() => aStatement(changes)).toThrow('not handled')
  })
})
