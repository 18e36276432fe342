import { describe, expect, it } from 'vitest'
import { createReferenceResolver } from '../../templates/resolve-references.ts'

const STORAGE = {
  Resources: { Bucket: { Type: 'AWS::S3::Bucket' }, Logs: { Type: 'AWS::Logs::LogGroup' } },
  Outputs: { Out: { Value: { 'Fn::GetAtt': ['Logs', 'Arn'] }, Export: { Name: 'storage:LogsArn' } } },
}
const SERVICE = {
  Resources: {
    Table: { Type: 'AWS::DynamoDB::Table' },
    Jobs: { Type: 'AWS::Batch::JobQueue' },
    Mail: { Type: 'AWS::SQS::Queue' },
  },
  Mappings: { Zones: { 'us-east-1': { id: 'Z1' } } },
}
const names = new Map([['Table', 'real-table']])
const service = createReferenceResolver(SERVICE, [STORAGE, SERVICE], names)

/** CloudFormation's syntax for a reference in a text. */
const inText = (reference: string) => `\${${reference}}`

describe('references of a template', () => {
  it.each([
    ['a real name', { Ref: 'Table' }, 'real-table'],
    [
      'an ARN with a real name',
      { 'Fn::GetAtt': ['Table', 'Arn'] },
      'arn:aws:dynamodb:us-east-1:000000000000:table/real-table',
    ],
    [
      'the ARN of a stream',
      { 'Fn::GetAtt': ['Table', 'StreamArn'] },
      'arn:aws:dynamodb:us-east-1:000000000000:table/real-table/stream/name',
    ],
    ['a made-up name', { Ref: 'Unknown' }, 'Unknown'],
    [
      'an ARN, if references to the resource are its ARN',
      { Ref: 'Jobs' },
      'arn:aws:batch:us-east-1:000000000000:job-queue/Jobs',
    ],
    ['the URL of an SQS queue', { Ref: 'Mail' }, 'https://sqs.us-east-1.amazonaws.com/000000000000/Mail'],
    ['another attribute', { 'Fn::GetAtt': ['Table', 'StreamLabel'] }, 'Table.StreamLabel'],
    ['text in pieces', { 'Fn::Join': ['/', ['a', { Ref: 'AWS::Region' }]] }, 'a/us-east-1'],
    [
      'text with references',
      { 'Fn::Sub': `x:${inText('AWS::AccountId')}:${inText('Table.Arn')}` },
      'x:000000000000:arn:aws:dynamodb:us-east-1:000000000000:table/real-table',
    ],
    ['text with values of its own', { 'Fn::Sub': [inText('A'), { A: { Ref: 'Table' } }] }, 'real-table'],
    [
      'an export of another stack',
      { 'Fn::ImportValue': 'storage:LogsArn' },
      'arn:aws:logs:us-east-1:000000000000:log-group:Logs:*',
    ],
    ['a part of a text', { 'Fn::Select': ['1', { 'Fn::Split': [':', 'a:b'] }] }, 'b'],
    ['a value of a mapping', { 'Fn::FindInMap': ['Zones', { Ref: 'AWS::Region' }, 'id'] }, 'Z1'],
    ['values within values', { a: [{ Ref: 'Table' }] }, { a: ['real-table'] }],
  ])('are resolved to %s', (_what, value, expected) => {
    expect(service.resolve(value)).toEqual(expected)
  })

  it('have a name, also through exports', () => {
    expect(service.referenceOf({ Ref: 'Table' })).toBe('Table')
    expect(service.referenceOf({ 'Fn::ImportValue': 'storage:LogsArn' })).toBe('Logs.Arn')
    expect(service.referenceOf({ 'Fn::Join': ['', []] })).toBeUndefined()
    expect(service.referenceOf('text')).toBeUndefined()
  })

  it('are refused when they cannot be resolved', () => {
    expect(() => service.resolve({ 'Fn::Base64': 'x' })).toThrow('Fn::Base64 is not supported here')
    expect(() => service.resolve({ 'Fn::ImportValue': 'nothing' })).toThrow('no template exports "nothing"')
  })
})
