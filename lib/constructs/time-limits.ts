import { Duration } from 'aws-cdk-lib'
import {
  type JobStateTimeLimitAction,
  JobStateTimeLimitActionsAction,
  JobStateTimeLimitActionsReason,
  JobStateTimeLimitActionsState,
} from 'aws-cdk-lib/aws-batch'

/** What a queue does with a job that nothing can run: at its head it would hold up all behind it. */
export function cancelUnplaceable(minutes: number): JobStateTimeLimitAction[] {
  return Object.values(JobStateTimeLimitActionsReason).map((reason) => ({
    reason,
    state: JobStateTimeLimitActionsState.RUNNABLE,
    action: JobStateTimeLimitActionsAction.CANCEL,
    maxTime: Duration.minutes(minutes),
  }))
}
