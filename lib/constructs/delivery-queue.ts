import { Duration } from 'aws-cdk-lib'
import { EventSourceMapping, type IFunction } from 'aws-cdk-lib/aws-lambda'
import {
  DeduplicationScope,
  FifoThroughputLimit,
  Queue,
  QueueEncryption,
  type QueueProps,
} from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { MAX_DELIVERY_ATTEMPTS } from '../../src/contract/webhooks.ts'
import type { Stage } from '../settings.ts'

/** SQS's maximum. A run has nine events at most, each of which may wait for 20 hours. */
const RETENTION = Duration.days(14)
/** Six times the function's time limit, as Lambda's guide recommends. After a failed attempt the function sets another time. */
const VISIBILITY = Duration.minutes(3)
/** Maximum number of concurrent deliveries, for slow receivers; the others wait in the queue. */
const MAX_CONCURRENCY = 50

/** FIFO queue of events on their way to webhooks, with a dead-letter queue of the same kind. */
export class DeliveryQueue extends Construct {
  readonly queue: Queue
  readonly deadLetters: Queue

  constructor(scope: Construct, id: string) {
    super(scope, id)
    const kind: QueueProps = {
      fifo: true,
      // Without these, a queue is limited to 300 calls a second.
      fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
      deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: RETENTION,
    }
    this.deadLetters = new Queue(this, 'DeadLetters', kind)
    this.queue = new Queue(this, 'Queue', {
      ...kind,
      visibilityTimeout: VISIBILITY,
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: MAX_DELIVERY_ATTEMPTS },
    })
  }

  /** Calls a function with each message. The function returns a message that it could not deliver. */
  deliverBy(target: IFunction): void {
    new EventSourceMapping(this, 'Deliveries', {
      target,
      eventSourceArn: this.queue.queueArn,
      batchSize: 1,
      reportBatchItemFailures: true,
      maxConcurrency: MAX_CONCURRENCY,
    })
  }
}

/** Receivers of webhooks on AWS are on the internet; an emulator's may be on its own machine. */
export function webhookNetworksOf({ emulator }: Pick<Stage, 'emulator'>): 'public' | 'local' {
  return emulator === undefined ? 'public' : 'local'
}
