import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib'
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import { EdgeAlarms } from '../constructs/edge-alarms.ts'
import { EdgeService } from '../constructs/edge-service.ts'
import type { EdgeSettings, Stage } from '../settings.ts'

export interface EdgeStackProps extends StackProps {
  readonly stage: Stage
  readonly edge: EdgeSettings
  /** Base URL of the API, without the service's prefix and version. */
  readonly apiUrl: string
  readonly apiId: string
  /** Topic of its alarms; without one it has no alarms. */
  readonly alarmTopic: ITopic | undefined
}

/** The edge in the network of Cytomine core. Absent by default, because it can also run beside core (examples/compose). */
export class EdgeStack extends Stack {
  constructor(scope: Construct, id: string, props: EdgeStackProps) {
    const { stage, edge, apiUrl, apiId, alarmTopic, ...stackProps } = props
    super(scope, id, stackProps)
    const apiArn = this.formatArn({ service: 'execute-api', resource: apiId })
    const { url, balancer, targets } = new EdgeService(this, 'Edge', {
      stage,
      edge,
      vpc: this.vpcOf(edge),
      apiUrl,
      ...(stage.access.mode === 'iam' ? { signsFor: apiArn } : {}),
    })
    if (alarmTopic !== undefined) new EdgeAlarms(this, 'Alarms', { balancer, targets, topic: alarmTopic })
    new CfnOutput(this, 'EdgeUrl', { value: url, description: 'APPENGINE_API_URL of Cytomine core' })
  }

  private vpcOf({ vpc: { id, subnets } }: EdgeSettings): IVpc {
    return Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: id,
      availabilityZones: Object.keys(subnets),
      privateSubnetIds: Object.values(subnets),
    })
  }
}
