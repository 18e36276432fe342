import { FairshareSchedulingPolicy, type ISchedulingPolicy } from 'aws-cdk-lib/aws-batch'
import type { Construct } from 'constructs'

/**
 * Fair-share policy of a queue: all shares with waiting jobs get the same number of vCPUs, whatever their order. Runs outside of sets
 * are one share, and each set is another (src/run/job/job-share.ts). No share is named here, so all have the weight 1. Batch cannot add
 * a policy to a queue that was created without one: such a queue is replaced.
 */
export function fairShare(scope: Construct): ISchedulingPolicy {
  return new FairshareSchedulingPolicy(scope, 'FairShare')
}
