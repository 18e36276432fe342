import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import type { Stage } from '../settings.ts'
import { AlarmTopic } from './alarm-topic.ts'
import { Alarms } from './alarms.ts'
import { EngineDashboard } from './dashboard.ts'
import type { Watched } from './engine-metrics.ts'

export interface ObservabilityProps {
  readonly stage: Stage
  readonly watched: Watched
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
    const { stage, watched } = props
    const { topic } = new AlarmTopic(this, 'AlarmTopic', stage)
    this.alarmTopic = topic
    new Alarms(this, 'Alarms', { stage, watched, topic })
    new EngineDashboard(this, 'Dashboard', { installation: stage.prefix, watched })
  }
}
