import { Duration } from 'aws-cdk-lib'
import {
  type ApplicationLoadBalancer,
  type ApplicationTargetGroup,
  HttpCodeElb,
  HttpCodeTarget,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import { addAlarm } from './alarms.ts'
import { sumOf } from './engine-metrics.ts'

export interface EdgeAlarmsProps {
  readonly balancer: ApplicationLoadBalancer
  readonly targets: ApplicationTargetGroup
  readonly topic: ITopic
}

const FIVE_MINUTES = Duration.minutes(5)

/** Number of errors at which the alarm is raised. A single one may be a client's broken connection. */
const FEW_ERRORS = 3

/** Alarms of the edge as a service. The API has its own. */
export class EdgeAlarms extends Construct {
  constructor(scope: Construct, id: string, { balancer, targets, topic }: EdgeAlarmsProps) {
    super(scope, id)
    addAlarm(this, 'Unhealthy', {
      topic,
      metric: targets.metrics.unhealthyHostCount({ statistic: 'Maximum', period: FIVE_MINUTES }),
      threshold: 1,
      // A task that is being replaced is unhealthy for a short time only.
      periods: [3, 2],
      toDo: 'Tasks of the edge do not answer and are replaced repeatedly: find out why they stop.',
      section: 'edge-unhealthy',
    })
    addAlarm(this, 'Errors', {
      topic,
      metric: sumOf(
        [
          balancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, { period: FIVE_MINUTES }),
          targets.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, { period: FIVE_MINUTES }),
        ],
        'responses with 5xx',
        FIVE_MINUTES,
      ),
      threshold: FEW_ERRORS,
      toDo: 'Callers of the edge get errors: find out whether load balancer, edge or API returns them.',
      section: 'edge-errors',
    })
  }
}
