import { Duration } from 'aws-cdk-lib'
import {
  type JobStateTimeLimitAction,
  JobStateTimeLimitActionsAction,
  JobStateTimeLimitActionsReason,
  JobStateTimeLimitActionsState,
} from 'aws-cdk-lib/aws-batch'

/** Cancels a job that fits on no machine: at the head of the queue it would block all others. */
export function cancelUnplaceable(minutes: number): JobStateTimeLimitAction[] {
  return Object.values(JobStateTimeLimitActionsReason).map((reason) => ({
    reason,
    state: JobStateTimeLimitActionsState.RUNNABLE,
    action: JobStateTimeLimitActionsAction.CANCEL,
    maxTime: Duration.minutes(minutes),
  }))
}
