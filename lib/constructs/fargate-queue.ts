import type { Duration } from 'aws-cdk-lib'
import {
  FargateComputeEnvironment,
  JobQueue,
  JobStateTimeLimitActionsAction,
  JobStateTimeLimitActionsReason,
  JobStateTimeLimitActionsState,
} from 'aws-cdk-lib/aws-batch'
import { SubnetType } from 'aws-cdk-lib/aws-ec2'
import { Construct } from 'constructs'
import type { JobNetwork } from './job-network.ts'

export interface FargateQueueProps {
  readonly network: JobNetwork
  readonly maxVcpus: number
  readonly longestUnplaceable: Duration
}

/** A Batch queue that runs on Fargate. */
export class FargateQueue extends Construct {
  readonly queueArn: string

  constructor(scope: Construct, id: string, props: FargateQueueProps) {
    super(scope, id)
    const computeEnvironment = new FargateComputeEnvironment(this, 'ComputeEnvironment', {
      vpc: props.network.vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      securityGroups: [props.network.jobSecurityGroup],
      maxvCpus: props.maxVcpus,
    })
    const queue = new JobQueue(this, 'Queue', {
      computeEnvironments: [{ computeEnvironment, order: 1 }],
      // A job at the head that nothing can run would hold up all behind it.
      jobStateTimeLimitActions: Object.values(JobStateTimeLimitActionsReason).map((reason) => ({
        reason,
        state: JobStateTimeLimitActionsState.RUNNABLE,
        action: JobStateTimeLimitActionsAction.CANCEL,
        maxTime: props.longestUnplaceable,
      })),
    })
    this.queueArn = queue.jobQueueArn
  }
}
