import { describe, expect, it } from 'vitest'
import { readOutputs } from '../../../local/deploy.ts'

describe('outputs of the stacks', () => {
  it('are found in all stacks', () => {
    const outputs = readOutputs({
      storage: { BucketName: 'bucket', ExportTableName: 'table' },
      service: {
        ServiceApiUrl: 'http://api',
        StateMachineArn: 'arn',
        SweepRunsFunctionName: 'sweep',
        EventBusName: 'events',
      },
    })

    expect(outputs).toEqual({
      apiUrl: 'http://api',
      bucketName: 'bucket',
      tableName: 'table',
      stateMachineArn: 'arn',
      sweepRunsFunctionName: 'sweep',
      eventBusName: 'events',
    })
  })

  it('are named in the error when they are missing', () => {
    expect(() => readOutputs({ service: { ApiUrl: 'x' } })).toThrow(
      /BucketName, TableName, StateMachineArn, SweepRunsFunctionName, EventBusName/u,
    )
  })
})
