import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  createBatchClient,
  createDocumentClient,
  createEcrClient,
  createEventsClient,
  createLogsClient,
  createS3Client,
  createSfnClient,
  createSigningClient,
} from '../../../src/aws/clients.ts'
import { createS3ObjectStore } from '../../../src/aws/s3-object-store.ts'
import { createS3PartStore } from '../../../src/aws/s3-part-store.ts'

interface HandlerSettings {
  readonly requestTimeout?: number
  readonly throwOnRequestTimeout?: boolean
  readonly socketTimeout?: number
}

/** Time after which a client stops waiting for a silent service, in milliseconds. Handlers are configured before the first call. */
async function longestSilenceOf(client: { readonly config: { readonly requestHandler: object } }) {
  const handler = client.config.requestHandler as { readonly configProvider: Promise<HandlerSettings> }
  const { requestTimeout, throwOnRequestTimeout, socketTimeout } = await handler.configProvider
  // Without this option, a request that exceeds the time-out only causes a warning.
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
  ] as const)('end a call of %s that hangs before API Gateway ends the caller’s', async (_, create) => {
    const client = create()

    const milliseconds = await longestSilenceOf(client)

    client.destroy()
    expect(milliseconds).toBeLessThan(29_000)
  })
})

describe('URLs of the bucket', () => {
  const variables = {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL: undefined,
    AWS_ENDPOINT_URL_S3: undefined,
    S3_URL_FOR_CLIENTS: undefined,
    S3_URL_FOR_JOBS: undefined,
  }
  const withVariables = (changed: Readonly<Record<string, string>>): void => {
    for (const [name, value] of Object.entries({ ...variables, ...changed })) vi.stubEnv(name, value)
  }
  const sign = async (audience: 'clients' | 'jobs'): Promise<readonly URL[]> => {
    const signer = createSigningClient(audience)
    const options = { client: createS3Client(), bucketName: 'the-bucket', ...(signer && { signer }) }
    const objects = createS3ObjectStore(options)
    const urls = [
      await objects.presignRead('a', 60),
      await objects.presignWrite('a', 60),
      await createS3PartStore(options).presignPart('a', 'id', 1, 60),
    ]
    return urls.map((url) => new URL(url))
  }
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it('are those of AWS when no endpoint is set', async () => {
    withVariables({})

    for (const { origin, pathname } of await sign('clients')) {
      expect(origin + pathname).toBe('https://the-bucket.s3.eu-west-1.amazonaws.com/a')
    }
  })

  it('use path style when the endpoint is an emulator with a host name', async () => {
    withVariables({ AWS_ENDPOINT_URL: 'http://host.docker.internal:4566' })

    for (const { origin, pathname } of await sign('jobs')) {
      expect(origin + pathname).toBe('http://host.docker.internal:4566/the-bucket/a')
    }
  })

  it('are signed for the address at which the audience reaches the bucket', async () => {
    withVariables({
      AWS_ENDPOINT_URL_S3: 'http://functions:1',
      S3_URL_FOR_CLIENTS: 'http://clients:1',
      S3_URL_FOR_JOBS: 'http://jobs:1',
    })

    for (const audience of ['clients', 'jobs'] as const) {
      for (const { origin, pathname } of await sign(audience)) {
        expect(origin + pathname).toBe(`http://${audience}:1/the-bucket/a`)
      }
    }
  })
})
