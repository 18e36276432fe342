import { BatchClient } from '@aws-sdk/client-batch'
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { ECRClient } from '@aws-sdk/client-ecr'
import { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { SQSClient } from '@aws-sdk/client-sqs'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { SIGNED_FOR } from '../contract/environment.ts'

/*
 * One factory for each SDK client. Region, credentials and endpoints come from the SDK's own variables. Time limits are set here because the
 * SDK has none: without them, a lost packet blocks a function until its own timeout.
 */

/** Connection time-out. All endpoints are in the same Region, where connecting takes milliseconds. */
const CONNECTION_TIMEOUT_MILLISECONDS = 2_000

/** Settings for calls that take milliseconds. Three attempts end before API Gateway's limit of 29 s. */
const SHORT_CALLS = {
  maxAttempts: 3,
  retryMode: 'standard',
  requestHandler: {
    connectionTimeout: CONNECTION_TIMEOUT_MILLISECONDS,
    requestTimeout: 5_000,
    throwOnRequestTimeout: true,
  },
} as const

/** Client of the table. Calls take less than 20 ms and throttling passes quickly, hence more and shorter attempts. */
export function createDocumentClient(): DynamoDBDocumentClient {
  const client = new DynamoDBClient({
    ...SHORT_CALLS,
    maxAttempts: 6,
    requestHandler: { ...SHORT_CALLS.requestHandler, requestTimeout: 3_000 },
  })
  // Optional properties may be present and undefined, which DynamoDB cannot store.
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } })
}

/** Maximum time without a byte from S3: two attempts end before API Gateway's limit of 29 s. */
const MAX_SILENCE_MILLISECONDS = 8_000
/** The same limit while a stream waits for the registry, which takes less time for a part of 20 MiB. */
export const MAX_SILENCE_WHILE_PUSHING_MILLISECONDS = 120_000

/** Client of the bucket. A configured endpoint is an emulator's, which has no host name for each bucket. */
export function createS3Client({
  longestSilenceMilliseconds = MAX_SILENCE_MILLISECONDS,
  endpoint,
}: {
  readonly longestSilenceMilliseconds?: number
  /** Instead of the SDK's variables. */
  readonly endpoint?: string
} = {}): S3Client {
  return new S3Client({
    ...(endpoint !== undefined && { endpoint }),
    forcePathStyle: Boolean(endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL),
    maxAttempts: 5,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MILLISECONDS,
      // A limit for the whole request would cut transfers of gigabytes.
      socketTimeout: longestSilenceMilliseconds,
    },
    // The default signs the checksum of an empty body into presigned PUT URLs, so that S3 refuses the real body.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    // The default computes CRC64 of each download in JavaScript. Layers have digests, zip entries CRC32.
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
}

/**
 * Client that presigns URLs for an audience that reaches the bucket at another address; undefined when its address is
 * the same. It makes no calls.
 */
export function createSigningClient(audience: keyof typeof SIGNED_FOR): S3Client | undefined {
  const endpoint = process.env[SIGNED_FOR[audience]]
  return endpoint === undefined ? undefined : createS3Client({ endpoint })
}

/**
 * Client of Batch. SubmitJob has no idempotency token: a retry by the SDK could create a second job of the same name. So functions that submit
 * pass one attempt, and the workflow retries under a new name.
 */
export function createBatchClient({ attempts = 5 }: { readonly attempts?: number } = {}): BatchClient {
  return new BatchClient({
    ...SHORT_CALLS,
    maxAttempts: attempts,
    // RegisterJobDefinition and SubmitJob may take seconds in a busy account.
    requestHandler: { ...SHORT_CALLS.requestHandler, requestTimeout: 15_000 },
  })
}

export function createEcrClient(): ECRClient {
  return new ECRClient(SHORT_CALLS)
}

/** Client of EventBridge. */
export function createEventsClient(): EventBridgeClient {
  return new EventBridgeClient(SHORT_CALLS)
}

/** Client of SQS. URLs of an emulator's queues may have another host than its endpoint. */
export function createSqsClient(): SQSClient {
  return new SQSClient({ ...SHORT_CALLS, useQueueUrlAsEndpoint: false })
}

/** Client of Step Functions. */
export function createSfnClient(): SFNClient {
  return new SFNClient(SHORT_CALLS)
}

/** Client of CloudWatch Logs; a page of events has up to 1 MB. */
export function createLogsClient(): CloudWatchLogsClient {
  return new CloudWatchLogsClient(SHORT_CALLS)
}
