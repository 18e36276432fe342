import { Duration } from 'aws-cdk-lib'
import {
  EventSourceMapping,
  FilterCriteria,
  FilterRule,
  type IFunction,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda'
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { TABLE } from '../../src/contract/environment.ts'
import { deadLettersOf } from './dead-letters.ts'

export interface ChangeTriggerProps {
  readonly target: IFunction
  readonly streamArn: string
  /** Sort keys of the items whose changes are sent. */
  readonly sortKeys: readonly string[]
}

/** Maximum number of changes of one call. Lambda sends fewer when they exceed 6 MB. */
const BATCH = 100
/** Maximum time for which a batch is retried. The changes of its shard wait meanwhile; a stream keeps changes for 24 hours. */
const MAX_AGE = Duration.hours(12)

/**
 * Sends changes of the table to a function, in order for each item. A failed batch is retried in halves. What still fails goes to
 * a dead-letter queue, as positions in the stream.
 */
export class ChangeTrigger extends Construct {
  readonly deadLetters: Queue

  constructor(scope: Construct, id: string, { target, streamArn, sortKeys }: ChangeTriggerProps) {
    super(scope, id)
    this.deadLetters = deadLettersOf(
      this,
      'It is itself the dead-letter queue of an event source mapping, which the check does not examine',
    )
    new EventSourceMapping(this, 'Changes', {
      target,
      eventSourceArn: streamArn,
      // A new mapping starts with the oldest change in the stream.
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: BATCH,
      bisectBatchOnError: true,
      maxRecordAge: MAX_AGE,
      // The age is the only limit.
      retryAttempts: -1,
      onFailure: new SqsDlq(this.deadLetters),
      filters: [
        FilterCriteria.filter({
          dynamodb: { Keys: { [TABLE.sortKey]: { S: FilterRule.or(...sortKeys) } } },
        }),
      ],
    })
  }
}
