import { Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import { describe, it } from 'vitest'
import { EngineFunction, type EngineFunctionProps } from '../../lib/constructs/function.ts'
import type { Emulator } from '../../lib/emulator.ts'
import { failRun } from '../../lib/functions/fail-run.ts'
import { anApp } from './synthesis.ts'

const STAGE = { logRetentionDays: RetentionDays.ONE_WEEK, keepData: false, console: 'off' } as const

function aFunction(stage: EngineFunctionProps['stage'] = STAGE): Template {
  const stack = new Stack(anApp(), 'Test')
  const one = new EngineFunction(stack, { definition: failRun, stage })
  one.setVariables({ installation: 'test', tableName: 'the-table' })
  return Template.fromStack(stack)
}

const EMULATOR: Emulator = {
  functions: {
    endpoint: 'http://e',
    s3Endpoint: 'http://s',
    batchEndpoint: 'http://b',
    registryUrl: 'http://r',
  },
  clients: { endpoint: 'http://e-of-clients', s3Endpoint: 'http://s-of-clients' },
  jobs: { endpoint: 'http://e-of-jobs', s3Endpoint: 'http://s-of-jobs' },
  architecture: 'x86_64',
}

describe('a function', () => {
  it('runs on ARM and on the version of Node that this project uses', () => {
    aFunction().hasResourceProperties('AWS::Lambda::Function', {
      Runtime: `nodejs${process.versions.node.split('.')[0]}.x`,
      Architectures: ['arm64'],
      Handler: 'index.handler',
      MemorySize: 256,
      Timeout: 30,
    })
  })

  it('has exactly the variables that it reads', () => {
    aFunction().hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.exact({ INSTALLATION: 'test', TABLE_NAME: 'the-table' }) },
    })
  })

  it('has the addresses of an emulator', () => {
    aFunction({ ...STAGE, emulator: EMULATOR }).hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: Match.exact({
          INSTALLATION: 'test',
          TABLE_NAME: 'the-table',
          AWS_ENDPOINT_URL: 'http://e',
          AWS_ENDPOINT_URL_BATCH: 'http://b',
          AWS_ENDPOINT_URL_S3: 'http://s',
          S3_URL_FOR_CLIENTS: 'http://s-of-clients',
          S3_URL_FOR_JOBS: 'http://s-of-jobs',
        }),
      },
    })
  })

  it('runs on the architecture of the emulator', () => {
    aFunction({ ...STAGE, emulator: EMULATOR }).hasResourceProperties('AWS::Lambda::Function', {
      Architectures: ['x86_64'],
    })
  })

  it('writes to its own log group with a retention', () => {
    const template = aFunction()

    template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 7 })
    template.hasResourceProperties('AWS::Lambda::Function', {
      LoggingConfig: { LogGroup: { Ref: Match.stringLikeRegexp('^FailRunLogs') } },
    })
  })

  it('has a role that only allows logging', () => {
    const template = aFunction()

    template.hasResourceProperties('AWS::IAM::Role', { ManagedPolicyArns: Match.absent() })
    template.resourceCountIs('AWS::IAM::Policy', 1)
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [
          {
            Effect: 'Allow',
            Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
            Resource: { 'Fn::GetAtt': [Match.stringLikeRegexp('^FailRunLogs'), 'Arn'] },
          },
        ],
      },
    })
  })
})
