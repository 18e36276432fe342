import { Duration, Validations } from 'aws-cdk-lib'
import { type EventPattern, Rule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { EngineFunction } from './function.ts'

export interface EventTriggerProps {
  readonly description: string
  readonly pattern: EventPattern
  readonly target: EngineFunction
}

/** How long an event is tried again, by EventBridge for its delivery and by Lambda for its handling. */
const LONGEST_AGE = Duration.hours(6)
/** Lambda allows two. */
const HANDLING_RETRIES = 2
const DELIVERY_RETRIES = 24

/** A rule that hands events to a function; what could be neither delivered nor handled ends in one queue. */
export class EventTrigger extends Construct {
  readonly deadLetters: Queue

  constructor(scope: Construct, id: string, props: EventTriggerProps) {
    super(scope, id)
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    })
    Validations.of(this.deadLetters).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason:
        'It is a dead-letter queue itself: of a rule and of asynchronous calls, which the check does not look at',
    })
    props.target.lambda.configureAsyncInvoke({
      onFailure: new SqsDestination(this.deadLetters),
      retryAttempts: HANDLING_RETRIES,
      maxEventAge: LONGEST_AGE,
    })
    new Rule(this, 'Rule', {
      description: props.description,
      eventPattern: props.pattern,
      targets: [
        new LambdaFunction(props.target.lambda, {
          deadLetterQueue: this.deadLetters,
          retryAttempts: DELIVERY_RETRIES,
          maxEventAge: LONGEST_AGE,
        }),
      ],
    })
  }
}
