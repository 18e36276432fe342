import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib'
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2'
import type { Construct } from 'constructs'
import { EdgeService } from '../constructs/edge-service.ts'
import type { EdgeSettings, Stage } from '../stages.ts'

export interface EdgeStackProps extends StackProps {
  readonly stage: Stage
  readonly settings: EdgeSettings
  /** Base URL of the API, without the service's own prefix and version. */
  readonly apiUrl: string
  readonly apiId: string
}

/** The edge in the network of Cytomine core; left out by default, since it may as well run beside core (examples/compose). */
export class EdgeStack extends Stack {
  constructor(scope: Construct, id: string, { stage, settings, apiUrl, apiId, ...props }: EdgeStackProps) {
    super(scope, id, props)
    checkReach(stage, settings)
    const apiArn = this.formatArn({ service: 'execute-api', resource: apiId })
    const { url } = new EdgeService(this, 'Edge', {
      settings,
      vpc: this.vpcOf(settings),
      apiUrl,
      ...(stage.access.mode === 'iam' ? { signsFor: apiArn } : {}),
      ...(stage.nodeImage === undefined ? {} : { nodeImage: stage.nodeImage }),
      logRetention: stage.logRetention,
      removalPolicy: stage.removalPolicy,
    })
    new CfnOutput(this, 'EdgeUrl', { value: url, description: 'APPENGINE_API_URL of Cytomine core' })
  }

  /** @throws Error when there are not two subnets in two zones, which a load balancer wants */
  private vpcOf({ vpc: { id, subnets } }: EdgeSettings): IVpc {
    const zones = Object.keys(subnets)
    if (zones.length < 2) {
      throw new Error(`edge.vpc.subnets: a load balancer needs two availability zones, not ${zones.length}`)
    }
    return Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: id,
      availabilityZones: zones,
      privateSubnetIds: Object.values(subnets),
    })
  }
}

/** @throws Error when the edge could not do anything: be called, get its image, or call the API */
function checkReach({ access }: Stage, { clients, reaches }: EdgeSettings): void {
  if (clients.length === 0) throw new Error('edge.clients: nobody could call the edge')
  if (reaches.length === 0) throw new Error('edge.reaches: the edge could not get its image')
  if (access.mode === 'private' && access.vpcEndpointIds.length === 0) {
    throw new Error('edge: access.vpcEndpointIds has to name the execute-api endpoint of its VPC')
  }
}
