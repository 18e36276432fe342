import { FargateComputeEnvironment, JobQueue } from 'aws-cdk-lib/aws-batch'
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import { Construct } from 'constructs'
import type { Stage } from '../settings.ts'
import { fairShare } from './fair-share.ts'
import { cancelUnplaceable } from './time-limits.ts'

type Capacity = Stage['queues']['fargate']['capacity']

export interface FargateQueueProps {
  readonly vpc: IVpc
  readonly subnets: SubnetSelection
  readonly securityGroup: ISecurityGroup
  /**
   * Maximum vCPUs of each compute environment. `spot-first` has the same number again on demand. With half for each, a stage would have
   * half of its vCPUs while spot has no capacity.
   */
  readonly maxVcpus: number
  readonly capacity: Capacity
  readonly longestUnplaceableMinutes: number
}

/** For each compute environment of a queue, whether it is on spot, in the order of the queue. */
const IS_SPOT: Readonly<Record<Capacity, readonly boolean[]>> = {
  'on-demand': [false],
  spot: [true],
  'spot-first': [true, false],
}

/** Batch queue on Fargate. */
export class FargateQueue extends Construct {
  readonly queueArn: string

  constructor(scope: Construct, id: string, props: FargateQueueProps) {
    super(scope, id)
    const computeEnvironments = IS_SPOT[props.capacity].map((spot, index) => ({
      order: index + 1,
      computeEnvironment: new FargateComputeEnvironment(this, spot ? 'Spot' : 'ComputeEnvironment', {
        vpc: props.vpc,
        vpcSubnets: props.subnets,
        securityGroups: [props.securityGroup],
        maxvCpus: props.maxVcpus,
        spot,
      }),
    }))
    const queue = new JobQueue(this, 'Queue', {
      schedulingPolicy: fairShare(this),
      computeEnvironments,
      jobStateTimeLimitActions: cancelUnplaceable(props.longestUnplaceableMinutes),
    })
    this.queueArn = queue.jobQueueArn
  }
}
