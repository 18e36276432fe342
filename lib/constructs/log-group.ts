import { RemovalPolicy } from 'aws-cdk-lib'
import { LogGroup, type LogGroupProps } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import type { Stage } from '../settings.ts'

/** A log group with the retention of the stage. */
export class EngineLogGroup extends LogGroup {
  constructor(
    scope: Construct,
    id: string,
    stage: Pick<Stage, 'logRetentionDays' | 'keepData'>,
    props: Pick<LogGroupProps, 'encryptionKey'> = {},
  ) {
    super(scope, id, {
      ...props,
      retention: stage.logRetentionDays,
      removalPolicy: removalPolicyOf(stage),
    })
  }
}

/** Removal policy of resources that contain data. */
export function removalPolicyOf({ keepData }: Pick<Stage, 'keepData'>): RemovalPolicy {
  return keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY
}
