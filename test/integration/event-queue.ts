import { randomUUID } from 'node:crypto'
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge'
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { REGION } from '../../local/aws-environment.ts'
import type { EngineEvent } from '../../src/events/event.ts'

/** Event as EventBridge delivers it. */
export interface DeliveredEvent {
  readonly source: string
  readonly 'detail-type': string
  readonly detail: EngineEvent
}

/** Queue that receives the events of the stage's bus. */
export interface EventQueue {
  /** Waits for an event with `isLast`. @returns all events so far, by sequence */
  until(isLast: (event: EngineEvent) => boolean): Promise<readonly DeliveredEvent[]>
}

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

/** Creates a queue that receives all events of a bus by a rule, as an application would. */
export async function createEventQueue(emulatorUrl: string, eventBusName: string): Promise<EventQueue> {
  const options = { endpoint: emulatorUrl, region: REGION, credentials }
  const sqs = new SQSClient(options)
  const bus = new EventBridgeClient(options)
  const name = `events-${randomUUID()}`
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }))
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  )
  const rule = { EventBusName: eventBusName }
  await bus.send(
    new PutRuleCommand({ ...rule, Name: name, EventPattern: JSON.stringify({ detail: { version: ['1'] } }) }),
  )
  await bus.send(
    new PutTargetsCommand({ ...rule, Rule: name, Targets: [{ Id: 'queue', Arn: Attributes.QueueArn }] }),
  )
  const received: DeliveredEvent[] = []

  async function receive(): Promise<void> {
    const wish = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 2 }
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(wish))
    received.push(...Messages.map(({ Body = '' }) => JSON.parse(Body) as DeliveredEvent))
    if (Messages.length === 0) return
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }))
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
  }

  return {
    async until(isLast) {
      while (!received.some(({ detail }) => isLast(detail))) await receive()
      return received.toSorted((a, b) => (a.detail.sequence < b.detail.sequence ? -1 : 1))
    },
  }
}
