import type { Duration } from 'aws-cdk-lib'
import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import type { Table } from 'aws-cdk-lib/aws-dynamodb'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import { AlarmTopic } from './alarm-topic.ts'
import { Alarms } from './alarms.ts'
import { EngineDashboard } from './dashboard.ts'

/** What dashboard and alarms look at. */
export interface Watched {
  readonly restApi: RestApi
  /** That of stagers, which may be the same. */
  readonly stagerApi: RestApi
  /** By the names that people read. */
  readonly functions: Readonly<Record<string, IFunction>>
  readonly stateMachine: StateMachine
  readonly table: Table
  /** By what could not be handled. */
  readonly deadLetters: Readonly<Record<string, Queue>>
}

export interface ObservabilityProps {
  /** Prefix of the installation, which its metrics carry. */
  readonly installation: string
  readonly watched: Watched
  /** An active run changes at least this often, unless something is stuck. */
  readonly longestSilence: Duration
  /** Whom alarms write to. */
  readonly alarmEmail?: string
}

/**
 * Dashboard and alarms of an installation. In the stack of what they look at: from another they would hold on to its resources by
 * exports, and an update that replaces one would be refused.
 */
export class Observability extends Construct {
  /** Where all alarms of the installation report to. */
  readonly alarmTopic: ITopic

  constructor(scope: Construct, id: string, props: ObservabilityProps) {
    super(scope, id)
    const { installation, watched, longestSilence, alarmEmail } = props
    const { topic } = new AlarmTopic(
      this,
      'AlarmTopic',
      alarmEmail === undefined ? {} : { email: alarmEmail },
    )
    this.alarmTopic = topic
    new Alarms(this, 'Alarms', { installation, watched, topic, longestSilence })
    new EngineDashboard(this, 'Dashboard', { installation, watched })
  }
}
