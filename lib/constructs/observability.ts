import type { Duration } from 'aws-cdk-lib'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import { AlarmTopic } from './alarm-topic.ts'
import { Alarms } from './alarms.ts'
import { EngineDashboard } from './dashboard.ts'
import type { Watched } from './engine-metrics.ts'

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
