import { describe, expect, it } from 'vitest'
import {
  createBatchClient,
  createDocumentClient,
  createEcrClient,
  createEventsClient,
  createLogsClient,
  createS3Client,
  createSfnClient,
} from '../../../src/aws/clients.ts'

interface HandlerSettings {
  readonly requestTimeout?: number
  readonly throwOnRequestTimeout?: boolean
  readonly socketTimeout?: number
}

/** How long a call may stay without any answer. The handler tells its settings to nobody before its first call, but keeps them. */
async function longestSilenceOf(client: { readonly config: { readonly requestHandler: object } }) {
  const handler = client.config.requestHandler as { readonly configProvider: Promise<HandlerSettings> }
  const { requestTimeout, throwOnRequestTimeout, socketTimeout } = await handler.configProvider
  // Without the switch, a request that takes too long is only warned of.
  return (throwOnRequestTimeout ? requestTimeout : undefined) ?? socketTimeout ?? Number.POSITIVE_INFINITY
}

describe('SDK clients', () => {
  it.each([
    ['DynamoDB', () => createDocumentClient()],
    ['S3', () => createS3Client()],
    ['Batch', () => createBatchClient()],
    ['ECR', () => createEcrClient()],
    ['EventBridge', () => createEventsClient()],
    ['Step Functions', () => createSfnClient()],
    ['CloudWatch Logs', () => createLogsClient()],
  ] as const)('give up a call of %s that hangs before API Gateway gives up the caller', async (_, create) => {
    const client = create()

    const milliseconds = await longestSilenceOf(client)

    client.destroy()
    expect(milliseconds).toBeLessThan(29_000)
  })
})
