import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRuleDelivery } from '../../../local/batch/rule-targets.ts'
import { createEventsClient } from '../../../src/aws/clients.ts'
import { eventSourceOf, IMPORT_REQUESTED } from '../../../src/contract/environment.ts'
import { createEventImportRequests } from '../../../src/upload/event-import-requests.ts'
import { callEmulator, uniqueName, useEmulator } from './emulator.ts'

useEmulator()
const client = createEventsClient()

/** Creates a rule with one target. */
async function putRule(pattern: object, targetArn: string): Promise<void> {
  const Name = uniqueName('adapters')
  await client.send(new PutRuleCommand({ Name, EventPattern: JSON.stringify(pattern) }))
  await client.send(new PutTargetsCommand({ Rule: Name, Targets: [{ Id: 'target', Arn: targetArn }] }))
}

describe('event bus', () => {
  it('delivers the import requests of an installation to its rule, and not those of others', async () => {
    const installation = uniqueName('installation')
    const queue = await createQueue()
    const source = [eventSourceOf(installation)]
    await putRule({ source, 'detail-type': [IMPORT_REQUESTED.detailType] }, queue.arn)

    await createEventImportRequests({ client, installation: 'another' }).send('upload-1')
    await createEventImportRequests({ client, installation }).send('upload-2')

    expect(await queue.receive()).toMatchObject([{ source: source[0], detail: { uploadId: 'upload-2' } }])
  })
})

/** The local Batch server delivers its events in this way, instead of by PutEvents. */
describe('delivery by the rules of the bus', () => {
  const received: { readonly url: string; readonly body: unknown }[] = []
  const functions = createServer(async (request: IncomingMessage, response) => {
    received.push({ url: request.url ?? '', body: JSON.parse(await text(request)) })
    response.end('null')
  })

  beforeAll(async () => {
    await once(functions.listen(0, '127.0.0.1'), 'listening')
  })
  afterAll(() => functions.close())

  it('calls only the functions of rules whose patterns match, by prefix and by value', async () => {
    const { port } = functions.address() as AddressInfo
    const queueName = uniqueName('jobs')
    const arnOf = (name: string): string => `arn:aws:lambda:eu-west-1:000011112222:function:${name}`
    const pattern = (name: string) => ({
      source: ['aws.batch'],
      'detail-type': ['Batch Job State Change'],
      detail: { jobQueue: [{ prefix: name }], status: ['SUCCEEDED', 'FAILED'] },
    })
    await putRule(pattern(queueName), arnOf('matching'))
    await putRule(pattern('another'), arnOf('other'))
    const warnings: string[] = []
    const deliver = createRuleDelivery(client, `http://127.0.0.1:${port}`, (warning) =>
      warnings.push(warning),
    )
    const event = (status: string) => ({
      version: '0',
      id: uniqueName('event'),
      'detail-type': 'Batch Job State Change',
      source: 'aws.batch',
      account: '000011112222',
      time: '2026-01-01T00:00:00Z',
      region: 'eu-west-1',
      resources: [],
      detail: { jobQueue: `${queueName}/1`, status },
    })

    await deliver(event('RUNNING'))
    await deliver(event('FAILED'))

    expect(warnings).toEqual([])
    expect(received.map(({ url }) => decodeURIComponent(url).split('/').at(3))).toEqual([arnOf('matching')])
    expect(received[0]?.body).toMatchObject({ detail: { status: 'FAILED' } })
  })
})

/** Creates an SQS queue. The project has no SQS client. */
async function createQueue() {
  const { QueueUrl } = await callEmulator('sqs', 'AmazonSQS.CreateQueue', {
    QueueName: uniqueName('adapters'),
  })
  const request = { QueueUrl, AttributeNames: ['QueueArn'] }
  const { Attributes } = await callEmulator('sqs', 'AmazonSQS.GetQueueAttributes', request)
  return {
    arn: String((Attributes as { readonly QueueArn: string }).QueueArn),

    /** Waits up to 10 s for a message, and returns all that have arrived. */
    async receive(): Promise<unknown[]> {
      const wish = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 10 }
      const { Messages } = await callEmulator('sqs', 'AmazonSQS.ReceiveMessage', wish)
      return ((Messages ?? []) as { readonly Body: string }[]).map(({ Body }) => JSON.parse(Body))
    },
  }
}
