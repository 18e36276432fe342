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
 * Dashboard and alarms of an installation. They belong to the stack of the resources that they cover: exports to another stack
 * would block updates that replace a resource.
 */
export class Observability extends Construct {
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
