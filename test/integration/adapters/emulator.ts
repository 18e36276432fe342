import { randomUUID } from 'node:crypto'
import { CreateTableCommand } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { inject, vi } from 'vitest'
import { TABLE } from '../../../src/contract/environment.ts'

declare module 'vitest' {
  interface ProvidedContext {
    emulatorUrl: string
  }
}

/**
 * Sets the SDK's environment variables for the emulator, so that the adapters are tested with the clients of the functions.
 * The access key selects an account that is separate from that of the deployed stack.
 */
export function useEmulator(): void {
  vi.stubEnv('AWS_ENDPOINT_URL', inject('emulatorUrl'))
  vi.stubEnv('AWS_REGION', 'eu-west-1')
  vi.stubEnv('AWS_ACCESS_KEY_ID', '000011112222')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  vi.stubEnv('AWS_SESSION_TOKEN', undefined)
}

/**
 * Calls a service for which this project has no client, in AWS's JSON protocol. The signature is invalid; emulators only read the
 * account from the access key.
 */
export async function callEmulator(
  service: string,
  target: string,
  input: object,
): Promise<Record<string, unknown>> {
  const answer = await fetch(inject('emulatorUrl'), {
    method: 'POST',
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=000011112222/20260101/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': target,
    },
    body: JSON.stringify(input),
  })
  if (!answer.ok) throw new Error(`${target} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Record<string, unknown>
}

/** Returns a name that no other test uses. */
export function uniqueName(purpose: string): string {
  return `${purpose}-${randomUUID()}`
}

/** Creates an empty table with the keys and indexes of the deployed one. @returns its name */
export async function createTable(client: DynamoDBDocumentClient): Promise<string> {
  const tableName = uniqueName('adapters')
  const { partitionKey, sortKey, unfinishedIndex: index, runIndex } = TABLE
  const names = [
    partitionKey,
    sortKey,
    ...[index, runIndex].flatMap((one) => [one.partitionKey, one.sortKey]),
  ]
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: names.map((name) => ({ AttributeName: name, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: partitionKey, KeyType: 'HASH' },
        { AttributeName: sortKey, KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: index.name,
          KeySchema: [
            { AttributeName: index.partitionKey, KeyType: 'HASH' },
            { AttributeName: index.sortKey, KeyType: 'RANGE' },
          ],
          // The adapter reads only keys from this index.
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
        {
          IndexName: runIndex.name,
          KeySchema: [
            { AttributeName: runIndex.partitionKey, KeyType: 'HASH' },
            { AttributeName: runIndex.sortKey, KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: [...runIndex.attributes] },
        },
      ],
    }),
  )
  return tableName
}
