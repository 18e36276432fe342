import { Duration, Validations } from 'aws-cdk-lib'
import { type EventPattern, Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { EngineFunction } from './function.ts'

/** Which events, or how often one without content, and what they mean to the target. */
export type EventChoice = { readonly description: string } & (
  | { readonly pattern: EventPattern }
  | { readonly every: Duration }
)

export type EventTriggerProps = EventChoice & { readonly target: EngineFunction }

/** How long an event is tried again, by EventBridge for its delivery and by Lambda for its handling. */
const LONGEST_AGE = Duration.hours(6)
/** Lambda allows two. */
const HANDLING_RETRIES = 2
const DELIVERY_RETRIES = 24

/**
 * A rule that hands events to a function; what could be neither delivered nor handled ends in one queue, of which an alarm tells
 * (alarms.ts).
 */
export class EventTrigger extends Construct {
  readonly deadLetters: Queue
  private readonly target: EngineFunction

  constructor(scope: Construct, id: string, props: EventTriggerProps) {
    super(scope, id)
    this.target = props.target
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
    this.addRule('Rule', props)
  }

  /** Hands further events to the same function. */
  addRule(id: string, choice: EventChoice): void {
    new Rule(this, id, {
      description: choice.description,
      ...('every' in choice ? { schedule: Schedule.rate(choice.every) } : { eventPattern: choice.pattern }),
      targets: [
        new LambdaFunction(this.target.lambda, {
          deadLetterQueue: this.deadLetters,
          retryAttempts: DELIVERY_RETRIES,
          maxEventAge: LONGEST_AGE,
        }),
      ],
    })
  }
}
