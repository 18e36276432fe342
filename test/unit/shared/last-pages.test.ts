import type { BatchClient } from '@aws-sdk/client-batch'
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import type { S3Client } from '@aws-sdk/client-s3'
import type { SFNClient } from '@aws-sdk/client-sfn'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it } from 'vitest'
import { createDynamoTable } from '../../../src/aws/dynamo-table.ts'
import { createS3ObjectStore } from '../../../src/aws/s3-object-store.ts'
import { createS3PartStore } from '../../../src/aws/s3-part-store.ts'
import { createCloudwatchLogStore } from '../../../src/run/cloudwatch-log-store.ts'
import { createBatchJobScheduler } from '../../../src/run/job/batch-job-scheduler.ts'
import { createSfnRunWorkflow } from '../../../src/run/sfn-run-workflow.ts'
import { stubClient } from '../aws/stub-client.ts'

const MACHINE = 'arn:aws:states:eu-west-1:000000000000:stateMachine:runs'

/** A listing that fails when a page after the last one is requested. */
function aListing<Client>(...pages: object[]) {
  const tooMany = new Error('asked for a page after the last')
  return stubClient<Client>([...pages, tooMany])
}

describe('a listing whose last page has a token', () => {
  it('of the parts of an upload ends, although S3 returns the last part number as token', async () => {
    const { client, sent } = aListing<S3Client>(
      { IsTruncated: true, NextPartNumberMarker: '1', Parts: [{ PartNumber: 1, Size: 5, ETag: 'a' }] },
      { IsTruncated: false, NextPartNumberMarker: '2', Parts: [{ PartNumber: 2, Size: 6, ETag: 'b' }] },
    )
    const parts = createS3PartStore({ client, bucketName: 'bucket', pageSize: 1 })

    expect(await parts.list('key', 'id')).toEqual([
      { partNumber: 1, sizeBytes: 5, etag: 'a' },
      { partNumber: 2, sizeBytes: 6, etag: 'b' },
    ])
    expect(sent.map(({ input }) => [input.PartNumberMarker, input.MaxParts])).toEqual([
      [undefined, 1],
      ['1', 1],
    ])
  })

  it('of the parts of an upload without parts ends at the token "0"', async () => {
    const { client } = aListing<S3Client>({ IsTruncated: false, NextPartNumberMarker: '0' })

    expect(await createS3PartStore({ client, bucketName: 'bucket' }).list('key', 'id')).toEqual([])
  })

  it('of objects ends, and all of them are removed', async () => {
    const { client, sent } = aListing<S3Client>(
      { IsTruncated: true, NextContinuationToken: 'x', Contents: [{ Key: 'p/1' }] },
      {},
      { IsTruncated: false, NextContinuationToken: 'y', Contents: [{ Key: 'p/2' }] },
      {},
    )

    await createS3ObjectStore({ client, bucketName: 'bucket' }).removeAll('p/')

    expect(sent.map(({ name, input }) => [name, input.ContinuationToken])).toEqual([
      ['ListObjectsV2Command', undefined],
      ['DeleteObjectsCommand', undefined],
      ['ListObjectsV2Command', 'x'],
      ['DeleteObjectsCommand', undefined],
    ])
  })

  it('of items ends at an empty key', async () => {
    const item = { pk: 'a', sk: 'a' }
    const { client } = aListing<DynamoDBDocumentClient>(
      { Items: [item], LastEvaluatedKey: item },
      { Items: [item], LastEvaluatedKey: {} },
    )

    expect(await Array.fromAsync(createDynamoTable({ client, tableName: 'table' }).query('a'))).toHaveLength(
      2,
    )
  })

  it('of executions ends at an empty token', async () => {
    const { client } = aListing<SFNClient>(
      { executions: [{ name: 'one' }], nextToken: 'x' },
      { executions: [{ name: 'two' }], nextToken: '' },
    )
    const workflow = createSfnRunWorkflow({ client, stateMachineArn: MACHINE })

    expect(await Array.fromAsync(workflow.listRunning())).toEqual(['one', 'two'])
  })

  it('of jobs ends at the token null, as Batch documents it', async () => {
    const { client } = aListing<BatchClient>(
      { jobSummaryList: [{ jobId: '1', jobName: 'n', status: 'RUNNING', createdAt: 1 }], nextToken: null },
      { jobs: [] },
    )
    const scheduler = createBatchJobScheduler({ client, jobQueueArns: ['queue'] })

    expect(await scheduler.findByName('n')).toMatchObject({ jobId: '1' })
  })

  it('of job definitions ends at the token null, and is read completely before the first one is deregistered', async () => {
    const { client, sent } = aListing<BatchClient>(
      { jobDefinitions: [{ jobDefinitionArn: 'a:1' }], nextToken: '1' },
      { jobDefinitions: [{ jobDefinitionArn: 'a:2' }], nextToken: null },
      {},
      {},
    )

    await createBatchJobScheduler({ client }).deregisterDefinitions('a')

    expect(sent.map(({ name }) => name)).toEqual([
      'DescribeJobDefinitionsCommand',
      'DescribeJobDefinitionsCommand',
      'DeregisterJobDefinitionCommand',
      'DeregisterJobDefinitionCommand',
    ])
  })

  it('of log events ends when the response repeats the token of its request', async () => {
    const { client } = aListing<CloudWatchLogsClient>(
      { nextBackwardToken: 'x', events: [{ message: 'new' }] },
      { nextBackwardToken: 'x', events: [] },
    )

    expect(await createCloudwatchLogStore({ client, logGroupName: 'jobs' }).read('s', 100)).toBe('new\n')
  })
})
