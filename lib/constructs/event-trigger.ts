import { Duration } from 'aws-cdk-lib'
import { type EventPattern, Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { deadLettersOf } from './dead-letters.ts'

/** An event pattern or a schedule. The description names the action of the target. */
export type EventChoice = { readonly description: string } & (
  | { readonly pattern: EventPattern }
  | { readonly every: Duration }
)

export interface EventTriggerProps {
  readonly target: IFunction
  /** Rules by construct id. */
  readonly rules: Readonly<Record<string, EventChoice>>
}

/** Time limit for the retries of EventBridge's delivery and of Lambda's asynchronous call. */
const MAX_AGE = Duration.hours(6)
/** Lambda's maximum. */
const HANDLING_RETRIES = 2
const DELIVERY_RETRIES = 24

/**
 * Rules that send events to a function. Events that could not be delivered or handled go to one dead-letter queue, which has an
 * alarm (alarms.ts).
 */
export class EventTrigger extends Construct {
  readonly deadLetters: Queue

  constructor(scope: Construct, id: string, { target, rules }: EventTriggerProps) {
    super(scope, id)
    this.deadLetters = deadLettersOf(
      this,
      'It is itself the dead-letter queue of a rule and of asynchronous calls, which the check does not examine',
    )
    target.configureAsyncInvoke({
      onFailure: new SqsDestination(this.deadLetters),
      retryAttempts: HANDLING_RETRIES,
      maxEventAge: MAX_AGE,
    })
    for (const [ruleId, choice] of Object.entries(rules)) {
      new Rule(this, ruleId, {
        description: choice.description,
        ...('every' in choice ? { schedule: Schedule.rate(choice.every) } : { eventPattern: choice.pattern }),
        targets: [
          new LambdaFunction(target, {
            deadLetterQueue: this.deadLetters,
            retryAttempts: DELIVERY_RETRIES,
            maxEventAge: MAX_AGE,
          }),
        ],
      })
    }
  }
}
