import { describe, expect, it } from 'vitest'
import type { SentRequest } from '../../recording/needed-permission.ts'
import { neededForNotFound, neededPermissions, needsBody } from '../../recording/needed-permissions.ts'

const CALLER = {
  region: 'eu-west-1',
  account: '123456789012',
  stateMachineArn: 'arn:aws:states:eu-west-1:123456789012:stateMachine:run',
  installation: 'lab-engine',
}
const arn = (service: string, resource: string) => `arn:aws:${service}:eu-west-1:123456789012:${resource}`

function signed(
  service: string,
  method: string,
  path: string,
  changes: Partial<SentRequest> = {},
): SentRequest {
  const { headers = {}, ...rest } = changes
  const authorization = `AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/${service}/aws4_request, SignedHeaders=host`
  return {
    method,
    url: new URL(path, 'http://127.0.0.1:4566'),
    headers: { authorization, ...headers },
    ...rest,
  }
}

function json(service: string, target: string, body: object): SentRequest {
  return signed(service, 'POST', '/', { headers: { 'x-amz-target': target }, body: JSON.stringify(body) })
}

const needed = (request: SentRequest) =>
  neededPermissions(request, CALLER).map(({ action, resource }) => `${action} ${resource}`)

const OBJECT = 'arn:aws:s3:::bucket/runs/a b'

describe('a request to S3', () => {
  it.each([
    ['GET', '', 's3:GetObject'],
    ['HEAD', '', 's3:GetObject'],
    ['PUT', '', 's3:PutObject'],
    ['DELETE', '', 's3:DeleteObject'],
    ['POST', '?uploads=', 's3:PutObject'],
    ['PUT', '?partNumber=1&uploadId=x', 's3:PutObject'],
    ['POST', '?uploadId=x', 's3:PutObject'],
    ['DELETE', '?uploadId=x', 's3:AbortMultipartUpload'],
    ['GET', '?uploadId=x', 's3:ListMultipartUploadParts'],
    ['PUT', '?tagging=', 'unknown:s3:PUT object tagging'],
    ['GET', '?acl=', 'unknown:s3:GET object acl'],
  ])('%s of an object with "%s" needs %s', (method, query, action) => {
    const [permission] = neededPermissions(signed('s3', method, `/bucket/runs/a%20b${query}`), CALLER)

    expect(permission).toEqual({ action, resource: action.startsWith('unknown') ? '*' : OBJECT })
  })

  it('needs reading and writing for a copy', () => {
    const request = signed('s3', 'PUT', '/bucket/to', {
      headers: { 'x-amz-copy-source': 'bucket/from%2Fhere', 'x-amz-tagging-directive': 'REPLACE' },
    })

    expect(needed(request)).toEqual([
      's3:GetObject arn:aws:s3:::bucket/from/here',
      's3:PutObject arn:aws:s3:::bucket/to',
    ])
  })

  it('needs permissions for tags in a copy, unless it excludes tags', () => {
    const request = signed('s3', 'PUT', '/bucket/to', { headers: { 'x-amz-copy-source': 'bucket/from' } })

    expect(needed(request)).toEqual([
      's3:GetObject arn:aws:s3:::bucket/from',
      's3:GetObjectTagging arn:aws:s3:::bucket/from',
      's3:PutObjectTagging arn:aws:s3:::bucket/to',
      's3:PutObject arn:aws:s3:::bucket/to',
    ])
  })

  it('needs a further permission for certain headers', () => {
    const request = signed('s3', 'PUT', '/bucket/key', { headers: { 'x-amz-tagging': 'a=b' } })

    expect(needed(request)).toEqual([
      's3:PutObject arn:aws:s3:::bucket/key',
      's3:PutObjectTagging arn:aws:s3:::bucket/key',
    ])
  })

  it('needs ListBucket with its prefix for a listing', () => {
    const request = signed('s3', 'GET', '/bucket?list-type=2&prefix=runs%2F')

    expect(neededPermissions(request, CALLER)).toEqual([
      { action: 's3:ListBucket', resource: 'arn:aws:s3:::bucket', context: { 's3:prefix': 'runs/' } },
    ])
  })

  it('needs DeleteObject for every object in its body', () => {
    const body = '<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key></Object></Delete>'
    const request = signed('s3', 'POST', '/bucket?delete=', { body })

    expect(needsBody(request)).toBe(true)
    expect(needed(request)).toEqual([
      's3:DeleteObject arn:aws:s3:::bucket/a&b',
      's3:DeleteObject arn:aws:s3:::bucket/c',
    ])
  })

  it('is recognised by the signature in its URL', () => {
    const credential = encodeURIComponent('test/20260101/eu-west-1/s3/aws4_request')
    const url = new URL(`http://127.0.0.1/bucket/key?X-Amz-Credential=${credential}&X-Amz-Signature=0`)

    expect(needed({ method: 'PUT', url, headers: {} })).toEqual(['s3:PutObject arn:aws:s3:::bucket/key'])
  })

  it('needs ListBucket with the key when the object is missing', () => {
    expect(neededForNotFound(signed('s3', 'HEAD', '/bucket/key'))).toEqual([
      { action: 's3:ListBucket', resource: 'arn:aws:s3:::bucket', context: { 's3:prefix': 'key' } },
    ])
    expect(neededForNotFound(signed('s3', 'DELETE', '/bucket/key'))).toEqual([])
  })
})

describe('the permissions for requests to other services', () => {
  it('name the table or its index', () => {
    const query = { TableName: 't', IndexName: 'i' }

    expect(needed(json('dynamodb', 'DynamoDB_20120810.GetItem', { TableName: 't' }))).toEqual([
      `dynamodb:GetItem ${arn('dynamodb', 'table/t')}`,
    ])
    expect(needed(json('dynamodb', 'DynamoDB_20120810.Query', query))).toEqual([
      `dynamodb:Query ${arn('dynamodb', 'table/t/index/i')}`,
    ])
  })

  it('are those of all parts of a transaction', () => {
    const TransactItems = [{ Put: { TableName: 't' } }, { ConditionCheck: { TableName: 't' } }]

    expect(needed(json('dynamodb', 'DynamoDB_20120810.TransactWriteItems', { TransactItems }))).toEqual([
      `dynamodb:PutItem ${arn('dynamodb', 'table/t')}`,
      `dynamodb:ConditionCheckItem ${arn('dynamodb', 'table/t')}`,
    ])
  })

  it('include queue, definition, job and tags for a submission', () => {
    const jobQueue = arn('batch', 'job-queue/q')
    const body = JSON.stringify({ jobQueue, jobDefinition: 'd:1', tags: { run: 'r' } })
    const job = arn('batch', 'job/00000000-0000-4000-8000-000000000000')

    expect(needed(signed('batch', 'POST', '/v1/submitjob', { body }))).toEqual([
      `batch:SubmitJob ${jobQueue}`,
      `batch:SubmitJob ${arn('batch', 'job-definition/d:1')}`,
      `batch:SubmitJob ${job}`,
      `batch:TagResource ${job}`,
      `batch:TagResource ${arn('batch', 'job-definition/d:1')}`,
    ])
  })

  it('include passing the roles of a job definition', () => {
    const executionRoleArn = 'arn:aws:iam::123456789012:role/r'
    const body = JSON.stringify({
      jobDefinitionName: 'd',
      ecsProperties: { taskProperties: [{ executionRoleArn }] },
    })

    expect(neededPermissions(signed('batch', 'POST', '/v1/registerjobdefinition', { body }), CALLER)).toEqual(
      [
        { action: 'batch:RegisterJobDefinition', resource: arn('batch', 'job-definition/d') },
        {
          action: 'iam:PassRole',
          resource: executionRoleArn,
          context: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' },
        },
      ],
    )
  })

  it('require the tag of the caller’s installation for ending jobs', () => {
    const request = signed('batch', 'POST', '/v1/terminatejob', { body: '{"jobId":"1","reason":"over"}' })

    expect(neededPermissions(request, CALLER)).toEqual([
      {
        action: 'batch:TerminateJob',
        resource: arn('batch', 'job/1'),
        context: { 'aws:ResourceTag/application': 'lab-engine' },
      },
    ])
  })

  it('name the caller’s state machine for task tokens', () => {
    const request = json('states', 'AWSStepFunctions.SendTaskSuccess', { taskToken: 't', output: '{}' })

    expect(needed(request)).toEqual([`states:SendTaskSuccess ${CALLER.stateMachineArn}`])
  })

  it('contain source and type of events for conditions', () => {
    const Entries = [{ Source: 's', DetailType: 't', Detail: '{}' }]

    expect(neededPermissions(json('events', 'AWSEvents.PutEvents', { Entries }), CALLER)).toEqual([
      {
        action: 'events:PutEvents',
        resource: arn('events', 'event-bus/default'),
        context: { 'events:source': 's', 'events:detail-type': 't' },
      },
    ])
  })

  it('are allowed by no policy when the operation is unknown', () => {
    expect(needed(json('dynamodb', 'DynamoDB_20120810.Scan', {}))).toEqual(['unknown:dynamodb:Scan *'])
  })

  it('do not exist for requests to others than AWS', () => {
    const request: SentRequest = { method: 'GET', url: new URL('https://store.example.org/x'), headers: {} }

    expect(needsBody(request)).toBe(false)
    expect(needed(request)).toEqual([])
  })
})

describe('a request to the registry', () => {
  const DIGEST = 'sha256:00'
  const LAYER = 'BatchCheckLayerAvailability'

  it.each([
    ['GET', '', []],
    ['HEAD', `a/b/blobs/${DIGEST}`, [LAYER]],
    ['GET', `a/b/blobs/${DIGEST}`, ['GetDownloadUrlForLayer']],
    ['POST', 'a/b/blobs/uploads/', ['InitiateLayerUpload']],
    ['POST', `a/b/blobs/uploads/?mount=${DIGEST}`, [LAYER, 'GetDownloadUrlForLayer', 'InitiateLayerUpload']],
    ['PATCH', 'a/b/blobs/uploads/1', ['UploadLayerPart']],
    ['PUT', `a/b/blobs/uploads/1?digest=${DIGEST}`, ['UploadLayerPart', 'CompleteLayerUpload']],
    ['DELETE', 'a/b/blobs/uploads/1', []],
    ['PUT', 'a/b/manifests/1.0.0', ['PutImage']],
    ['HEAD', 'a/b/manifests/1.0.0', ['BatchGetImage']],
  ])('%s /v2/%s needs the ECR action %s', (method, path, actions) => {
    const url = new URL(path, 'http://registry.example.org/v2/')

    expect(needed({ method, url, headers: { authorization: 'Basic x' } })).toEqual(
      actions.map((action) => `ecr:${action} ${arn('ecr', 'repository/a/b')}`),
    )
  })
})

describe('the permissions for requests to one partition of the table', () => {
  it.each([
    ['GetItem', { Key: { pk: { S: 'WEBHOOK#1' }, sk: { S: 'WEBHOOK' } } }],
    ['Query', { ExpressionAttributeValues: { ':pk': { S: 'WEBHOOK#1' } } }],
  ])('contain the partition for conditions: %s', (name, body) => {
    const request = json('dynamodb', `DynamoDB_20120810.${name}`, { TableName: 'table', ...body })

    expect(neededPermissions(request, CALLER)).toEqual([
      {
        action: `dynamodb:${name}`,
        resource: arn('dynamodb', 'table/table'),
        context: { 'dynamodb:LeadingKeys': 'WEBHOOK#1' },
      },
    ])
  })
})

describe('the permissions for requests to a queue', () => {
  it('are the same for a batch as for a single message', () => {
    const request = json('sqs', 'AmazonSQS.SendMessageBatch', {
      QueueUrl: 'http://127.0.0.1:4566/123456789012/deliveries.fifo',
      Entries: [],
    })

    expect(needed(request)).toEqual([`sqs:SendMessage ${arn('sqs', 'deliveries.fifo')}`])
  })
})
