import { FairshareSchedulingPolicy, type ISchedulingPolicy } from 'aws-cdk-lib/aws-batch'
import type { Construct } from 'constructs'

/**
 * Policy of a queue: shares that have jobs waiting get the same number of vCPUs, whoever was first. Runs outside of sets are one share,
 * each set is another (src/run/job/job-share.ts). No share is named here, so all have the weight 1. A queue that was made without a
 * policy cannot get one: Batch wants a new queue.
 */
export function fairShare(scope: Construct): ISchedulingPolicy {
  return new FairshareSchedulingPolicy(scope, 'FairShare')
}
