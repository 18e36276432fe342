import { BatchClient } from '@aws-sdk/client-batch'
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { ECRClient } from '@aws-sdk/client-ecr'
import { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { SIGNED_FOR } from '../contract/environment.ts'

/*
 * One factory per SDK client, called once a process by dependencies.ts. Region, credentials and endpoints come from the
 * SDK's own variables. Time limits are set because the SDK has none: a lost packet would hold a function to its own end.
 */

/** All endpoints are in the same region: a connection that takes longer will not come. */
const CONNECTION_TIMEOUT_MILLISECONDS = 2_000

/** For calls that answer in milliseconds; three attempts with these limits end before API Gateway's 29 s. */
const SHORT_CALLS = {
  maxAttempts: 3,
  retryMode: 'standard',
  requestHandler: {
    connectionTimeout: CONNECTION_TIMEOUT_MILLISECONDS,
    requestTimeout: 5_000,
    throwOnRequestTimeout: true,
  },
} as const

/** The table. Its calls take less than 20 ms and its throttles pass quickly: more attempts, each cut sooner. */
export function createDocumentClient(): DynamoDBDocumentClient {
  const client = new DynamoDBClient({
    ...SHORT_CALLS,
    maxAttempts: 6,
    requestHandler: { ...SHORT_CALLS.requestHandler, requestTimeout: 3_000 },
  })
  // Optional properties of the domain may be present and undefined, which DynamoDB has no word for.
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } })
}

/** Of S3's, for functions that read and write at their own pace: two attempts end before API Gateway's 29 s. */
const LONGEST_SILENCE_MILLISECONDS = 8_000
/** For a stream that waits for somebody else: more than a registry needs for a part of 20 MiB. */
export const LONGEST_SILENCE_WHILE_PUSHING_MILLISECONDS = 120_000

/** The bucket. An endpoint that is set is an emulator's, which has no host name for each bucket. */
export function createS3Client({
  longestSilenceMilliseconds = LONGEST_SILENCE_MILLISECONDS,
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
      // No limit for a whole request: gigabytes take minutes.
      socketTimeout: longestSilenceMilliseconds,
    },
    // The default would sign a checksum of an empty body into presigned PUT URLs, and S3 would refuse the real one.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    // The default computes CRC64 in JavaScript over every download. Layers have digests, zip entries have CRC32.
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
}

/** The client that signs URLs for others, if they reach the bucket at another address: no calls are made with it. */
export function createSigningClient(audience: keyof typeof SIGNED_FOR): S3Client | undefined {
  const endpoint = process.env[SIGNED_FOR[audience]]
  return endpoint === undefined ? undefined : createS3Client({ endpoint })
}

/**
 * Batch. SubmitJob has no idempotency token, so a function that submits asks for one attempt: the workflow repeats
 * submissions under a new attempt, and a repetition by the SDK would be a second job of the same name.
 */
export function createBatchClient({ attempts = 5 }: { readonly attempts?: number } = {}): BatchClient {
  return new BatchClient({
    ...SHORT_CALLS,
    maxAttempts: attempts,
    // RegisterJobDefinition and SubmitJob may take seconds when an account is busy.
    requestHandler: { ...SHORT_CALLS.requestHandler, requestTimeout: 15_000 },
  })
}

/** Image repositories and the registry's token. */
export function createEcrClient(): ECRClient {
  return new ECRClient(SHORT_CALLS)
}

/** The event bus. */
export function createEventsClient(): EventBridgeClient {
  return new EventBridgeClient(SHORT_CALLS)
}

/** Step Functions. */
export function createSfnClient(): SFNClient {
  return new SFNClient(SHORT_CALLS)
}

/** Logs of task containers; a page of them has up to 1 MB. */
export function createLogsClient(): CloudWatchLogsClient {
  return new CloudWatchLogsClient(SHORT_CALLS)
}
